"""MixUp and CutMix: each image of a batch mixed with the one before it, and their labels.

What is drawn for a batch are numbers of the host's own, so that no batch waits for them on a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from study.training.data.batches import Batch, EpochLoader
from study.training.recipe.augmentations import CutMix, MixUp
from study.training.runtime.randomness import derive_seed


@dataclass(frozen=True)
class Mixture:
    """How the images of one batch are mixed, each with the one before it."""

    share: float
    """What each image keeps of its label."""
    box: tuple[int, int, int, int] | None
    """Left, top, right and bottom of what comes from the other image; None: all of it does."""

    def images(self, images: Tensor) -> Tensor:
        """Mix images (B, C, H, W)."""
        others = images.roll(1, 0)
        if self.box is None:
            return others.mul_(1 - self.share).add_(images.mul(self.share))
        left, top, right, bottom = self.box
        mixed = images.clone()
        mixed[..., top:bottom, left:right] = others[..., top:bottom, left:right]
        return mixed

    def labels(self, labels: Tensor, classes: int) -> Tensor:
        """Mix labels (B,) into the share of each class: (B, classes)."""
        shares = torch.zeros(len(labels), classes, device=labels.device)
        shares.scatter_(1, labels.unsqueeze(1), 1.0)
        return shares.roll(1, 0).mul_(1 - self.share).add_(shares.mul(self.share))


def draw_mixture(
    specs: Sequence[MixUp | CutMix], sides: tuple[int, int], *position: int | str
) -> Mixture:
    """Draw how a batch of images with these sides is mixed, for a position of a training.

    Of several ways, each is as likely as the others. Shares and boxes are drawn as in torchvision.
    """
    generator = np.random.default_rng(derive_seed(*position))
    spec = specs[int(generator.integers(len(specs)))]
    share = float(generator.beta(spec.alpha, spec.alpha))
    if isinstance(spec, MixUp):
        return Mixture(share, None)
    height, width = sides
    center_x, center_y = int(generator.integers(width)), int(generator.integers(height))
    half = 0.5 * math.sqrt(1 - share)
    half_width, half_height = int(half * width), int(half * height)
    left, right = max(center_x - half_width, 0), min(center_x + half_width, width)
    top, bottom = max(center_y - half_height, 0), min(center_y + half_height, height)
    return Mixture(
        1 - (right - left) * (bottom - top) / (width * height), (left, top, right, bottom)
    )


class MixedLoader:
    """A loader's batches, mixed: their labels are shares of the classes, (B, classes)."""

    def __init__(
        self,
        loader: EpochLoader,
        specs: Sequence[MixUp | CutMix],
        seed: int,
        classes: int,
        memory_format: torch.memory_format,
    ) -> None:
        self._loader = loader
        self._specs = specs
        self._seed = seed
        self._classes = classes
        self._memory_format = memory_format

    def __len__(self) -> int:
        return len(self._loader)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Give an epoch's batches, each mixed by what is drawn in its name."""
        for number, (images, labels) in enumerate(self._loader.epoch(epoch)):
            sides = (images.shape[2], images.shape[3])
            mixture = draw_mixture(self._specs, sides, self._seed, "mix", epoch, number)
            mixed = mixture.images(images).contiguous(memory_format=self._memory_format)
            yield mixed, mixture.labels(labels, self._classes)
