"""What a training runs on: its device, its random numbers, its failures, torchvision."""
