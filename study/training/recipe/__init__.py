"""The recipe, all that fixes one training; validated without torch."""
