"""What a study can say of itself in a few figures, and the file that it is kept in."""
