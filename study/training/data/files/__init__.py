"""Images of the user's own, in files: found, indexed once a node, and decoded as they are needed.

``folder`` and ``parquet`` are the doors. ``listing`` and ``layout`` say which files are meant,
``decode`` makes pixels of one, ``index`` knows all of them, and ``image_set`` makes a data set of
them.
"""
