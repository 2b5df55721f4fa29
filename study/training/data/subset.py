"""The images of one loader, with all that is done to them on the way to the network."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from study.training.data.augment import (
    Draws,
    begins_with_crop,
    change,
    draw,
    keeps_bytes,
)
from study.training.data.augmentations.drawn import joined
from study.training.data.datasets import Images
from study.training.data.normalize import Normalization, as_stored, resize, to_unit_range
from study.training.recipe.augmentations import augmentations
from study.training.recipe.sections import Data
from study.training.runtime.randomness import make_generator
from study.training.runtime.team.place import ALONE, Place


@dataclass(frozen=True)
class Subset:
    """The images of one loader, with all that is done to them on the way to the network."""

    images: Images  # (N, C, H, W)
    labels: Tensor  # (N,)
    normalization: Normalization
    spec: Data
    seed: int
    memory_format: torch.memory_format
    is_training: bool
    place: Place = ALONE
    """Whose part of each batch, or of the images that are evaluated, it gives."""
    micro_batch_size: int = 0
    """Of each so many images of a batch every one of several workers has its share."""

    def to(self, device: torch.device) -> Subset:
        return replace(
            self,
            images=self.images_in_memory.to(device),
            labels=self.labels.to(device),
            normalization=self.normalization.to(device),
        )

    @property
    def images_in_memory(self) -> Tensor:
        """The images, which are not read one by one."""
        if not isinstance(self.images, Tensor):
            raise TypeError("they are read as they are asked for")
        return self.images

    def image(self, index: int) -> Tensor:
        """Return one image as it is stored, (1, C, H, W). Raises BrokenImage of one that is read
        from a file.
        """
        if isinstance(self.images, Tensor):
            return self.images[index : index + 1]
        return self.images.read(index, as_stored=self._crops_first)

    @property
    def _crops_first(self) -> bool:
        """Whether a crop of each image is resized, and not the whole."""
        return self.is_training and begins_with_crop(self.spec.augment)

    @property
    def batch_size(self) -> int:
        return self.spec.batch_size if self.is_training else self.spec.eval_batch_size

    def __len__(self) -> int:
        """Return the number of batches in an epoch, those of all workers."""
        full, remainder = divmod(len(self.labels), self.batch_size)
        drops_last = self.is_training and self.spec.drop_last
        return full + (remainder > 0 and not drops_last)

    def batch_indices(self, epoch: int) -> list[Tensor]:
        """Return the indices of each batch's images, on the device that the labels are on."""
        count, size = len(self.labels), self.batch_size
        if not self.is_training:
            mine = self.place.share_of(count)
            order = torch.arange(mine.start, mine.stop, device=self.labels.device)
            return [order[first : first + size] for first in range(0, len(mine), size)]
        order = torch.randperm(count, generator=make_generator(self.seed, "order", epoch))
        order = order.to(self.labels.device)
        batches = [order[size * number : size * (number + 1)] for number in range(len(self))]
        if self.place == ALONE:
            return batches
        return [batch[self._mine(len(batch)).to(batch.device)] for batch in batches]

    def _mine(self, count: int) -> Tensor:
        """Return the places of this worker's images in a batch of so many: (n,)."""
        return self.place.positions_in_batch(count, self.micro_batch_size)

    @property
    def is_augmented(self) -> bool:
        return self.is_training and bool(augmentations(self.spec.augment))

    def draw_epoch(self, epoch: int) -> list[Draws]:
        """Draw all that each batch of an epoch is augmented by, in the batch's name.

        It goes to the device of the labels in one go, so that no batch has to wait for its own.
        """
        if not self.is_augmented:
            if self.place == ALONE:
                return [()] * len(self)
            return [()] * len(self.batch_indices(epoch))
        sides: tuple[int, ...] = self.images.shape[2:]
        side = self.spec.image_size
        if side and not begins_with_crop(self.spec.augment):
            sides = (side, side)
        size, drawn = self.batch_size, list[Draws]()
        for number in range(len(self)):
            count = min(size, len(self.labels) - size * number)
            generator = make_generator(self.seed, "augment", epoch, number)
            drawn.append(self._draw(count, (sides[0], sides[1]), generator))
        whole = [joined(parts).to(self.labels.device) for parts in zip(*drawn, strict=True)]
        if self.place != ALONE:
            parts_of = [self._mine(len(draws[0])) + size * at for at, draws in enumerate(drawn)]
            return [tuple(each[part] for each in whole) for part in parts_of]
        return [
            tuple(each[size * number : size * (number + 1)] for each in whole)
            for number in range(len(self))
        ]

    def prepare(self, images: Tensor, draws: Draws = ()) -> Tensor:
        """Return images as the network sees them, augmented by what was drawn for them."""
        images = self._resized(as_stored(images))
        if draws:
            images = change(images, self.spec.augment, draws)
        return self.normalization(to_unit_range(images))

    def prepare_one(self, image: Tensor, epoch: int, index: int) -> Tensor:
        """Return a single image, (1, C, H, W), as the network sees it, augmented in its name."""
        image = self._resized(as_stored(image))
        if self.is_augmented:
            generator = make_generator(self.seed, "augment", epoch, index)
            drawn = self._draw(1, (image.shape[2], image.shape[3]), generator)
            image = change(image, self.spec.augment, drawn)
        return self.normalization(to_unit_range(image))

    def _draw(self, count: int, sides: tuple[int, int], generator: torch.Generator) -> Draws:
        """Draw what so many images are augmented by; ``sides`` are those of the first step."""
        size = self.spec.image_size
        wanted = (size, size) if size else sides
        return draw(self.spec.augment, count, sides, generator, wanted)

    def _resized(self, images: Tensor) -> Tensor:
        size = self.spec.image_size
        if self._crops_first:
            size = None  # it is the crop that is resized
        if size is None and keeps_bytes(self.spec.augment):
            return images
        return resize(to_unit_range(images), size, self.spec.fit)
