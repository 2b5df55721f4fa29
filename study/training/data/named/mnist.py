"""MNIST from torchvision's layout (http://yann.lecun.com/exdb/mnist)."""

from __future__ import annotations

from pathlib import Path

from study.training.data.datasets import DataSet
from study.training.data.named.download import open_torchvision_sets


def read_mnist(folder: Path) -> DataSet:
    """Return 60,000 training and 10,000 test images of (1, 28, 28), in 10 classes."""
    from study.training.runtime.torchvision import torchvision

    train, test = open_torchvision_sets(
        torchvision.datasets.MNIST,
        "mnist",
        folder,
        subfolder="MNIST",
        layouts="MNIST/raw/*-ubyte (torchvision's layout)",
    )
    return DataSet(
        train_images=train.data.unsqueeze(1).contiguous(),  # (N, H, W) -> (N, 1, H, W)
        train_labels=train.targets.long(),
        test_images=test.data.unsqueeze(1).contiguous(),
        test_labels=test.targets.long(),
        classes=10,
    )
