"""The readers of the data sets of the catalog, ``study.training.recipe.data_catalog``."""
