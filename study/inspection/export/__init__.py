"""What a trained network is taken home as: its weights, and files that run without this project."""
