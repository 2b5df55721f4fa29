"""The commands of ``study``, a file for each kind: running, changing, looking, writing."""
