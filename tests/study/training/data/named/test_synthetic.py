"""Made images repeat and have something to learn."""

from __future__ import annotations

from pathlib import Path

import torch

from study.training.data.named.synthetic import make_synthetic


def test_synthetic_images_repeat_and_can_be_learned_from() -> None:
    first, second = make_synthetic(Path()), make_synthetic(Path())
    assert torch.equal(first.train_images, second.train_images)
    centers = torch.stack(
        [first.train_images[first.train_labels == c].float().mean(0) for c in range(10)]
    )
    nearest = torch.cdist(first.test_images.float().flatten(1), centers.flatten(1)).argmin(1)
    assert float((nearest == first.test_labels).float().mean()) > 0.9
