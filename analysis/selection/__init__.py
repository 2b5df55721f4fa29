"""What tables, plots and the report ask of a study's frames before they show anything.

``trials`` says which rows count, ``objectives`` what is better, ``settings`` and ``factors`` what
was varied, ``figures`` how a figure is summed up over seeds, ``ranking`` which point is best,
``blocks`` which points may be compared with which.
"""
