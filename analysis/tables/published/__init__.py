"""A study's figures beside published ones: the published table, milestones in the same form."""
