"""What of a study is kept and what can be deleted; what a driver does between results."""
