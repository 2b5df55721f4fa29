"""torch's map-style data sets, each item an image and its label, as images that are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, Subset, TensorDataset

from study.training.data.check import data_set_faults
from study.training.data.datasets import DataSet
from study.training.data.files.decode import BrokenImage, in_channels
from study.training.data.normalize import Normalization, channel_statistics
from study.training.recipe.sections import Data
from study.training.runtime.reading import Reading

Parts = Mapping[str, "Dataset[Any]"]
"""Sets by ``train``, and where they are given ``validation`` and ``test``."""

PARTS = ("train", "validation", "test")
_LOOKED_AT = 16
"""Items of each part that are read to see whether they are as they must be."""
_COUNTED = 512
"""Images that statistics are counted on."""


class NotAsMust(Exception):
    """A factory's sets are not what trainings take; the text says what must hold."""


@dataclass(frozen=True)
class MapImages:
    """The images of a map-style set, (N, C, H, W), read item by item."""

    items: Dataset[Any]
    spec: Data
    rows: Tensor  # (N,)
    image_shape: tuple[int, int, int]

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number, channels, height and width."""
        return (len(self.rows), *self.image_shape)

    @property
    def is_near(self) -> bool:
        """Loader processes read them, as torch's own DataLoader has it."""
        return True

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Tensor) -> MapImages:
        """Return the images at these places."""
        return replace(self, rows=self.rows[indices])

    def read(self, index: int, *, as_stored: bool = False) -> Tensor:
        """Return one image, (1, C, H, W). An item that can't be read is a BrokenImage."""
        row = int(self.rows[index])
        try:
            image, _ = self.items[row]
            return _tensor_of(image, self.spec, as_stored=as_stored)
        except Exception as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            raise BrokenImage(f"item {row}: {text}") from error

    def statistics(self) -> Normalization:
        """Return the mean and standard deviation of each channel over a sample of the images."""
        return channel_statistics(torch.cat([self.read(place) for place in _spread(len(self))]))


def make_data_set(spec: Data, parts: Parts, reading: Reading) -> DataSet:
    """Return the data set of a factory's map-style sets. Raises NotAsMust."""
    labels = {name: _labels_of(items, name, reading) for name, items in parts.items()}
    names = _class_names(parts["train"])
    classes = len(names) or int(labels["train"].max()) + 1
    looked_at = {name: _look_at(items, name, spec, labels[name]) for name, items in parts.items()}
    faults = "; ".join(data_set_faults(classes, looked_at))
    if faults:
        raise NotAsMust(faults)
    for name in parts:
        if int(labels[name].min()) < 0 or int(labels[name].max()) >= classes:
            found = f"labels from {int(labels[name].min())} to {int(labels[name].max())}"
            raise NotAsMust(f"{name} labels must be from 0 to {classes - 1}; found {found}")
    channels, height, width = looked_at["train"][0].shape[1:]
    images = {
        name: MapImages(items, spec, torch.arange(len(labels[name])), (channels, height, width))
        for name, items in parts.items()
    }
    nothing = images["train"].take(torch.arange(0))
    return DataSet(
        train_images=images["train"],
        train_labels=labels["train"],
        test_images=images.get("test", nothing),
        test_labels=labels.get("test", labels["train"][:0]),
        validation_images=images.get("validation"),
        validation_labels=labels.get("validation"),
        classes=classes,
        class_names=names,
        fingerprint=_fingerprint(labels, looked_at),
    )


def _look_at(items: Any, name: str, spec: Data, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Read some items of a part: images (N, C, H, W) and labels (N,)."""
    images = []
    places = _spread(len(items), _LOOKED_AT)
    for place in places:
        image, label = _pair(items[place], name)
        if label != int(labels[place]):
            must = f"{name} must have the labels of its targets"
            raise NotAsMust(f"{must}; found {label} instead of {int(labels[place])} at {place}")
        images.append(_tensor_of(image, spec))
    again = _tensor_of(_pair(items[places[0]], name)[0], spec)
    if not torch.equal(images[0], again):
        must = f"{name} must give the same item each time"
        raise NotAsMust(f"{must}; found another: leave random transforms to data.augment")
    shapes = sorted({tuple(image.shape[1:]) for image in images})
    if len(shapes) > 1:
        must = f"{name} images must have one shape, or be pictures with data.image_size given"
        raise NotAsMust(f"{must}; found {shapes}")
    return torch.cat(images), labels[torch.tensor(places)]


def _pair(item: Any, name: str) -> tuple[Any, int]:
    if not isinstance(item, tuple | list) or len(item) != 2:
        found = f"{type(item).__name__} of {len(item)}" if hasattr(item, "__len__") else repr(item)
        raise NotAsMust(f"{name} items must be pairs of an image and a label; found {found}")
    image, label = item
    if isinstance(label, Tensor | np.generic | np.ndarray) and label.ndim == 0:
        label = label.item()
    if isinstance(label, bool) or not isinstance(label, int):
        raise NotAsMust(f"{name} labels must be whole numbers; found {type(label).__name__}")
    return image, label


def _tensor_of(image: Any, spec: Data, *, as_stored: bool = False) -> Tensor:
    """Return an image of any kind as (1, C, H, W)."""
    if isinstance(image, Image.Image):
        size = spec.image_size
        sides = (size, size) if size and not as_stored else None
        pixels = in_channels(image, spec.channels, sides, spec.fit)
        return torch.from_numpy(pixels).permute(2, 0, 1)[None]
    if isinstance(image, np.ndarray):
        image = torch.from_numpy(image)
    if not isinstance(image, Tensor) or image.ndim != 3:
        found = tuple(image.shape) if isinstance(image, Tensor) else type(image).__name__
        raise NotAsMust(f"images must be pictures, or tensors (C, H, W); found {found}")
    return image.unsqueeze(0)


def _labels_of(items: Any, name: str, reading: Reading) -> Tensor:
    """Return all labels: the set's ``targets`` where it has them, else by reading each item."""
    if isinstance(items, Subset):
        return _labels_of(items.dataset, name, reading)[torch.tensor(list(items.indices))]
    if isinstance(items, TensorDataset) and len(items.tensors) == 2:
        return _checked(items.tensors[1], items, name)
    targets = getattr(items, "targets", None)
    if targets is not None:
        return _checked(torch.as_tensor(targets), items, name)
    labels = []
    for place in range(len(items)):
        labels.append(_pair(items[place], name)[1])
        if place % _LOOKED_AT == 0:
            reading.note(place, len(items))
    return _checked(torch.tensor(labels), items, name)


def _checked(labels: Tensor, items: Any, name: str) -> Tensor:
    if not len(items) or labels.shape != (len(items),):
        must = f"{name} must have items, and a label for each"
        raise NotAsMust(f"{must}; found {len(items)} items and labels {tuple(labels.shape)}")
    return labels.to(torch.int64)


def _class_names(items: Any) -> tuple[str, ...]:
    while isinstance(items, Subset):
        items = items.dataset
    names = getattr(items, "classes", ())
    return tuple(map(str, names)) if isinstance(names, list | tuple) else ()


def _fingerprint(labels: Mapping[str, Tensor], looked_at: Mapping[str, tuple[Tensor, Any]]) -> str:
    """Return a SHA-256 over all labels and the images that were looked at."""
    digest = hashlib.sha256()
    for tensor in _in_order(labels, looked_at):
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()


def _in_order(
    labels: Mapping[str, Tensor], looked_at: Mapping[str, tuple[Tensor, Any]]
) -> Iterator[Tensor]:
    for name in PARTS:
        if name in labels:
            yield labels[name]
            yield looked_at[name][0]


def _spread(count: int, most: int = _COUNTED) -> list[int]:
    """Return up to ``most`` places from the first to the last of so many."""
    if count <= most:
        return list(range(count))
    return [place * count // most for place in range(most)]
