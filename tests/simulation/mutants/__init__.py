"""Faults that are planted in the project's code, to see that the simulator finds them."""
