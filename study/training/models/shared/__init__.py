"""Models that several workers train: what of them knows of the others."""
