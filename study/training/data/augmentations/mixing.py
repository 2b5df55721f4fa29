"""What changes whole batches and their labels: MixUp, CutMix, and functions of the user's own.

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
from study.training.recipe.augmentations import CutMix, MixUp, OfBatches, OwnAugment
from study.training.runtime.own_parts import own_function, part_failure
from study.training.runtime.randomness import derive_seed, make_generator


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
        """Mix labels (B,), or shares of the classes, into such shares: (B, classes)."""
        shares = labels
        if labels.ndim == 1:
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
    """A loader's batches, changed as whole: where they are mixed, their labels are shares of the
    classes, (B, classes).
    """

    def __init__(
        self,
        loader: EpochLoader,
        specs: Sequence[OfBatches],
        seed: int,
        classes: int,
        memory_format: torch.memory_format,
    ) -> None:
        self._loader = loader
        self._steps = _steps(specs)
        self._seed = seed
        self._classes = classes
        self._memory_format = memory_format

    def __len__(self) -> int:
        return len(self._loader)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Give an epoch's batches, each changed by what is drawn in its name."""
        for number, (images, labels) in enumerate(self._loader.epoch(epoch)):
            for index, step in enumerate(self._steps):
                position = (self._seed, "mix", epoch, number, index)
                if isinstance(step, OwnAugment):
                    images, labels = _changed_by_own(step, images, labels, *position)
                else:
                    mixture = draw_mixture(step, (images.shape[2], images.shape[3]), *position)
                    images = mixture.images(images)
                    labels = mixture.labels(labels, self._classes)
            yield images.contiguous(memory_format=self._memory_format), labels


def _steps(specs: Sequence[OfBatches]) -> list[OwnAugment | list[MixUp | CutMix]]:
    """Return what is done to each batch: the ways to mix are one step, where the first of them is.

    Each batch takes one of them.
    """
    ways = [spec for spec in specs if not isinstance(spec, OwnAugment)]
    steps: list[OwnAugment | list[MixUp | CutMix]] = []
    for spec in specs:
        if isinstance(spec, OwnAugment):
            steps.append(spec)
        elif ways not in steps:
            steps.append(ways)
    return steps


def _changed_by_own(
    spec: OwnAugment, images: Tensor, labels: Tensor, *position: int | str
) -> tuple[Tensor, Tensor]:
    """Return images (B, C, H, W) and labels as a function of the user's own changes them.

    It is given a generator of the host's, seeded for the position.
    """
    function = own_function(spec.name, ("images", "labels", "generator"), spec.options)
    answer = function(images, labels, make_generator(*position))
    is_pair = isinstance(answer, tuple | list) and len(answer) == 2
    if not is_pair or not all(isinstance(each, Tensor) for each in answer):
        raise part_failure(spec.name, f"must return images and labels; found {answer!r:.60}")
    changed, named = answer
    if changed.shape != images.shape or len(named) != len(labels) or named.ndim > 2:
        found = f"{tuple(changed.shape)} and {tuple(named.shape)}"
        wanted = f"{tuple(images.shape)} and of {len(labels)} labels"
        raise part_failure(spec.name, f"must return tensors of {wanted}; found {found}")
    return changed, named
