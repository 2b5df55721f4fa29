"""Parts of a study file that have a file of their own, and what all of its sections share."""
