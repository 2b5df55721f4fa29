"""The code that a study names: what it costs, what it is, and whether it can be called."""
