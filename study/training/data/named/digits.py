"""Handwritten digits that come with scikit-learn, so that no download is needed.

https://archive.ics.uci.edu/dataset/80/optical+recognition+of+handwritten+digits
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from study.training.data.datasets import DataSet

_TEST_IMAGES = 360
"""There is no published split: the last 360 of 1,797 are by other writers than the first."""

_BRIGHTEST = 16
"""The stored pixels go from 0 to 16."""


def read_digits(folder: Path) -> DataSet:
    """Return 1,437 training and 360 test images of (1, 8, 8), in 10 classes; no file is needed."""
    from sklearn.datasets import load_digits

    pixels, classes = load_digits(return_X_y=True)  # (N, 64), (N,)
    in_bytes = np.rint(pixels * (255 / _BRIGHTEST)).astype(np.uint8)
    images = torch.from_numpy(in_bytes).view(-1, 1, 8, 8)  # (N, 1, 8, 8)
    labels = torch.from_numpy(classes.astype(np.int64))  # (N,)
    return DataSet(
        train_images=images[:-_TEST_IMAGES],
        train_labels=labels[:-_TEST_IMAGES],
        test_images=images[-_TEST_IMAGES:],
        test_labels=labels[-_TEST_IMAGES:],
        classes=10,
    )
