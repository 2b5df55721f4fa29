"""A study as one page to read."""
