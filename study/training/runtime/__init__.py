"""The machine below a training: its device, its random numbers, its failures, torchvision."""
