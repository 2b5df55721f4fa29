"""Telling people that a study has ended, can't go on, or found a better point."""
