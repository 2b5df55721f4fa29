"""Data sets that a factory of the user's own returns: as tensors, or as torch's map-style sets."""
