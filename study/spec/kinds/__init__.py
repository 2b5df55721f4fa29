"""What a study's trials train, as far as its file goes: the built-in recipe, or the user's own."""
