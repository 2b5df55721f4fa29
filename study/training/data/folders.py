"""The folders in which the sets of images lie that don't come with a library."""

from __future__ import annotations

LAYOUTS = {
    "cifar10": ("cifar-10-batches-bin", "cifar-10-batches-py"),
    "cifar100": ("cifar-100-binary", "cifar-100-python"),
    "mnist": ("MNIST",),
}
