"""What a driver keeps an eye on: its Ray, its GPUs, and the nodes that are told to go."""
