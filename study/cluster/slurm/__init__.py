"""Studies in the queue of a Slurm cluster."""
