"""The records of a journal as they are stored, checked and mended."""
