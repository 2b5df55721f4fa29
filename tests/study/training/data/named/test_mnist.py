"""MNIST is read from torchvision's layout."""

from __future__ import annotations

from pathlib import Path

from study.training.data.datasets import load_data_set
from study.training.recipe.sections import Data

from ...conftest import write_mnist


def test_mnist_is_read_from_torchvisions_layout(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    images = load_data_set(Data(name="mnist"), tmp_path)
    assert images.train_images.shape == (30, 1, 28, 28)
    assert images.test_labels.tolist() == list(range(10))
    assert int(images.train_images[0, 0, 1, 0]) == 28
