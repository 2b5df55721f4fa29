"""Images: the data sets, their normalization and augmentation, and the loaders of batches.

To add a data set: its reader in a file of ``named``, and its entry in
``study.training.recipe.data_catalog``. To add an augmentation: its section in
``study.training.recipe.sections`` and its function in ``augment``.
"""
