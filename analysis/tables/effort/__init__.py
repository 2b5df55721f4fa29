"""What a study cost and how soon it got somewhere: cost, time to a target, failures."""
