"""A trial in processes of its own: one, or one for each of its workers."""
