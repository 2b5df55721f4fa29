"""Whole learning curves, and the studies that recorded them."""
