"""Commands on clusters: Ray's, and Slurm's queue."""
