"""Augmentations by torchvision's recipes, each image by numbers of its own that are given."""
