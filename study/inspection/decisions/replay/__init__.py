"""What a study's points would have cost and found under another pruner: from the journal alone."""
