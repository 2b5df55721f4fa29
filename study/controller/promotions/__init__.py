"""What becomes of trials that wait to be promoted, and in which order they and new points start."""
