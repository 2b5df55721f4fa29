"""What must hold of a study file in one matter: its rules, its number of points, its training."""
