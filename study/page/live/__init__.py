"""What is sent to a page while one looks at it: the parts that have changed, and nothing else."""
