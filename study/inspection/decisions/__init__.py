"""A study's decisions: why they were taken, and what others would have come to."""
