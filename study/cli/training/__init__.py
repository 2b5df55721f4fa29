"""The commands that train: run, resume, retry and train."""
