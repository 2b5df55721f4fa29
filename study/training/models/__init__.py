"""The networks, one file a family; ``factory`` builds the one that a recipe names.

``study.training.recipe.model_catalog`` lists all of them without torch. To add one: its function in
a file here, and its entry in the catalog.
"""
