"""The images of one loader, with all that is done to them on the way to the network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from study.training.data.augment import Draws, augment, change, draw, keeps_bytes
from study.training.data.normalize import Normalization, resize, to_unit_range
from study.training.recipe.sections import Data, NoAugment
from study.training.runtime.randomness import make_generator

Batch = tuple[Tensor, Tensor]
"""Images of (B, C, H, W), float32 on the device, and their labels of (B,), int64."""


@dataclass(frozen=True)
class Subset:
    """The images of one loader, with all that is done to them on the way to the network."""

    images: Tensor  # (N, C, H, W)
    labels: Tensor  # (N,)
    normalization: Normalization
    spec: Data
    seed: int
    memory_format: torch.memory_format
    is_training: bool

    def to(self, device: torch.device) -> Subset:
        return replace(
            self,
            images=self.images.to(device),
            labels=self.labels.to(device),
            normalization=self.normalization.to(device),
        )

    @property
    def batch_size(self) -> int:
        return self.spec.batch_size if self.is_training else self.spec.eval_batch_size

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        full, remainder = divmod(len(self.labels), self.batch_size)
        drops_last = self.is_training and self.spec.drop_last
        return full + (remainder > 0 and not drops_last)

    def batch_indices(self, epoch: int) -> list[Tensor]:
        """Return the indices of each batch's images, on the device that the labels are on."""
        count, size = len(self.labels), self.batch_size
        if self.is_training:
            order = torch.randperm(count, generator=make_generator(self.seed, "order", epoch))
        else:
            order = torch.arange(count)
        order = order.to(self.labels.device)
        return [order[size * number : size * (number + 1)] for number in range(len(self))]

    @property
    def is_augmented(self) -> bool:
        return self.is_training and not isinstance(self.spec.augment, NoAugment)

    def draw_epoch(self, epoch: int) -> list[Draws]:
        """Draw all that each batch of an epoch is augmented by, in the batch's name.

        It goes to the device of the labels in one go, so that no batch has to wait for its own.
        """
        if not self.is_augmented:
            return [()] * len(self)
        sides = 2 * (self.spec.image_size,) if self.spec.image_size else self.images.shape[2:]
        size, drawn = self.batch_size, list[Draws]()
        for number in range(len(self)):
            count = min(size, len(self.labels) - size * number)
            generator = make_generator(self.seed, "augment", epoch, number)
            drawn.append(draw(self.spec.augment, count, (sides[0], sides[1]), generator))
        whole = [torch.cat(parts).to(self.labels.device) for parts in zip(*drawn, strict=True)]
        return list(zip(*(torch.split(each, size) for each in whole), strict=True))

    def prepare(self, images: Tensor, draws: Draws = ()) -> Tensor:
        """Return images as the network sees them, augmented by what was drawn for them."""
        images = self._resized(images)
        if draws:
            images = change(images, self.spec.augment, draws)
        return self.normalization(to_unit_range(images))

    def prepare_one(self, image: Tensor, epoch: int, index: int) -> Tensor:
        """Return a single image, (1, C, H, W), as the network sees it, augmented in its name."""
        image = self._resized(image)
        if self.is_augmented:
            generator = make_generator(self.seed, "augment", epoch, index)
            image = augment(image, self.spec.augment, generator)
        return self.normalization(to_unit_range(image))

    def _resized(self, images: Tensor) -> Tensor:
        if self.spec.image_size is None and keeps_bytes(self.spec.augment):
            return images
        return resize(to_unit_range(images), self.spec.image_size)
