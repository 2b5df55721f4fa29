"""Whole studies in simulated worlds, each from one seed: see ``simulation``."""
