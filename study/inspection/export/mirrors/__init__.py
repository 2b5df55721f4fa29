"""Mirrors of a study in the places where other experiments of its users are."""
