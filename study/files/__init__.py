"""A study's folder on a disk or an object store: whole writes, the layout, the lock, YAML."""
