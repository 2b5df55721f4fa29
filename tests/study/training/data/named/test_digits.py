"""The digits that come with scikit-learn."""

from __future__ import annotations

import torch

from study.training.data.datasets import load_data_set
from study.training.recipe.sections import Data


def test_digits_come_with_scikit_learn() -> None:
    digits = load_data_set(Data())
    assert digits.image_shape == (1, 8, 8)
    assert (len(digits.train_labels), len(digits.test_labels), digits.classes) == (1437, 360, 10)
    assert digits.train_images.dtype == torch.uint8
    assert int(digits.train_images.max()) == 255
    assert load_data_set(Data()) is digits
