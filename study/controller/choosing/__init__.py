"""Which points go on: those that are promoted in the search, those that are confirmed after it."""
