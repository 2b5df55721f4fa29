"""The images of an index: decoded as they are asked for, or all at once where they are few."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from search_spaces.validation import Fault, describe
from study.files.visible_text import visible
from study.training.data.augment import begins_with_crop
from study.training.data.datasets import DataSet
from study.training.data.files.decode import BrokenImage, decode
from study.training.data.files.faults import FaultyData, broken_faults
from study.training.data.files.index import BROKEN, DECODED, ImageIndex, Source
from study.training.data.files.layout import PARTS, TEST, TRAIN, VALIDATION
from study.training.data.node_cache import keep_current
from study.training.data.normalize import Normalization
from study.training.recipe.sections import Data, DeviceLoader
from study.training.runtime.reading import Reading

RESIDENT_BYTES = 2**30
"""Sets that take no more once decoded can lie in memory whole."""
_AT_ONCE = 256
_SMALLEST_VARIANCE = 1e-12


@dataclass(frozen=True)
class StoredImages:
    """Images (N, C, H, W) of files, as bytes; none of them is in memory."""

    index: ImageIndex
    source: Source
    rows: Tensor  # (N,): the images' rows in the index
    image_shape: tuple[int, int, int]
    fit: str
    """How they are brought to that shape, as the data section says."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number, channels, height and width."""
        return (len(self.rows), *self.image_shape)

    @property
    def is_near(self) -> bool:
        """Whether they lie on this machine."""
        return self.source.is_near

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: Tensor) -> StoredImages:
        """Return the images at these places."""
        return replace(self, rows=self.rows[indices])

    def read(self, index: int, *, as_stored: bool = False) -> Tensor:
        """Decode one image, (1, C, H, W), or with the height and width that it is stored with.

        Raises BrokenImage, which names its file.
        """
        row = int(self.rows[index])
        channels, *sides = self.image_shape
        wanted = None if as_stored else (sides[0], sides[1])
        try:
            with self.source.open(row) as stream:
                pixels = decode(stream.read(), channels, wanted, self.fit)  # (H, W, C)
        except BrokenImage as error:
            raise BrokenImage(f"{self.index.name(row)}: {error}") from None
        return torch.from_numpy(pixels).permute(2, 0, 1).unsqueeze(0).contiguous()

    def statistics(self) -> Normalization:
        """Return mean and standard deviation of each channel, each image weighing the same.

        They are of the images as they are stored, of those that the index pass decoded.
        """
        decoded = self.rows[self.index.states[self.rows] == DECODED]
        if not len(decoded):
            decoded = (self.index.states == DECODED).nonzero().squeeze(1)
        moments = self.index.moments[decoded].double().mean(0)  # (2C,)
        mean, mean_square = moments.chunk(2)
        variance = (mean_square - mean.square()).clamp_min(_SMALLEST_VARIANCE)
        return Normalization(
            mean=mean.float().view(-1, 1, 1),
            std=variance.sqrt().float().view(-1, 1, 1),
        )


def make_data_set(spec: Data, index: ImageIndex, source: Source, reading: Reading) -> DataSet:
    """Return the data set of an index. Raises FaultyData where it can't be trained on."""
    broken = index.broken()
    if broken and not spec.skip_broken:
        raise FaultyData(broken_faults(broken))
    rows = [index.rows_of(part) for part in range(len(PARTS))]
    faults = [*_part_faults(spec, rows), *_size_faults(spec, index)]
    if faults:
        raise FaultyData(faults)
    sides = index.sides[index.states != BROKEN][0].tolist()
    shape = spec.input_shape((spec.channels, *sides))
    images = [StoredImages(index, source, of_part, shape, spec.fit) for of_part in rows]
    labels = [index.labels[of_part] for of_part in rows]
    told = f"{index.fingerprint()} {shape} {spec.skip_broken}"
    if spec.fit != "stretch":  # as it was before there was another
        told += f" {spec.fit}"
    data = DataSet(
        train_images=images[TRAIN],
        train_labels=labels[TRAIN],
        test_images=images[TEST],
        test_labels=labels[TEST],
        validation_images=images[VALIDATION] if len(rows[VALIDATION]) else None,
        validation_labels=labels[VALIDATION] if len(rows[VALIDATION]) else None,
        classes=len(index.classes),
        class_names=tuple(index.classes),
        fingerprint=hashlib.sha256(told.encode()).hexdigest(),
        left_out=len(broken),
        notes=tuple(_notes(index, broken)),
    )
    decoded_bytes = sum(map(len, rows)) * shape[0] * shape[1] * shape[2]
    is_small = decoded_bytes <= RESIDENT_BYTES
    crops_first = begins_with_crop(spec.augment)  # from the images as they are stored
    if isinstance(spec.loader, DeviceLoader) and is_small and not crops_first:
        return _resident(data, spec, reading)
    return data


def _notes(index: ImageIndex, broken: Sequence[tuple[str, str]]) -> Iterator[str]:
    if broken:
        first = visible(": ".join(broken[0]))
        yield f"files that can't be decoded are left out: {len(broken):,}, the first {first}"
    if index.left_out_count:
        names = ", ".join(map(visible, index.left_out))
        more = ", …" if index.left_out_count > len(index.left_out) else ""
        count = f"{index.left_out_count:,} ({names}{more})"
        yield f"files that are no images by their names, or lie in no class: {count}"


def _part_faults(spec: Data, rows: list[Tensor]) -> list[Fault]:
    faults = []
    if not len(rows[TRAIN]):
        faults.append(Fault(("path",), "must hold images that train", "none that isn't broken"))
    if spec.validation == "test" and not len(rows[TEST]):
        must = "must not be test where there is no test set"
        accepted = "a folder test beside train | test_fraction"
        faults.append(Fault(("validation",), must, "test", accepted))
    if len(rows[VALIDATION]) and spec.validation != type(spec)().validation:
        must = "must be left out where a folder val is the validation set"
        faults.append(
            Fault(("validation",), must, describe(spec.model_dump()["validation"]), on_key=True)
        )
    return faults


def _size_faults(spec: Data, index: ImageIndex) -> list[Fault]:
    """Demand ``image_size`` unless all images have one size."""
    if spec.image_size is not None:
        return []
    sides = index.sides[index.states != BROKEN]
    least, most = sides.amin(0).tolist(), sides.amax(0).tolist()
    if least == most and least[0]:
        return []
    found = f"heights from {least[0]} to {most[0]} and widths from {least[1]} to {most[1]}"
    return [Fault(("image_size",), "must be given where images differ in size", found)]


# -- decoded at once -------------------------------------------------------------------


def _resident(data: DataSet, spec: Data, reading: Reading) -> DataSet:
    """Return the set with its images decoded, as the node keeps them."""
    content = keep_current(
        f"decoded-{data.fingerprint[:24]}",
        lambda kept: True,  # its name says what it was made of
        lambda old: _decode_all(data, spec, reading),
        reading.wait,
    )
    left_out = data.left_out + int(content.pop("left_out"))
    return replace(data, **content, left_out=left_out)


def _decode_all(data: DataSet, spec: Data, reading: Reading) -> dict[str, Any]:
    parts = {
        "train": (data.train_images, data.train_labels),
        "test": (data.test_images, data.test_labels),
        "validation": (data.validation_images, data.validation_labels),
    }
    total = sum(len(labels) for _, labels in parts.values() if labels is not None)
    content: dict[str, Any] = {}
    broken: list[tuple[str, str]] = []
    done = 0
    for name, (images, labels) in parts.items():
        if not isinstance(images, StoredImages) or labels is None:
            continue
        whole, kept, why = _decoded(images, reading, done, total)
        done += len(images)
        broken += why
        content |= {f"{name}_images": whole[kept], f"{name}_labels": labels[kept].clone()}
    if broken and not spec.skip_broken:
        raise FaultyData(broken_faults(broken))
    return content | {"left_out": len(broken)}


def _decoded(
    images: StoredImages, reading: Reading, done: int, total: int
) -> tuple[Tensor, Tensor, list[tuple[str, str]]]:
    """Return all images, (N, C, H, W), the places of those that aren't broken, and why others
    are.
    """
    whole = torch.zeros(images.shape, dtype=torch.uint8)
    kept, broken = torch.ones(len(images), dtype=torch.bool), list[tuple[str, str]]()

    def fill(place: int) -> None:
        try:
            whole[place] = images.read(place)[0]
        except BrokenImage as error:
            kept[place] = False
            name, _, reason = str(error).partition(": ")
            broken.append((name, reason))

    with ThreadPoolExecutor(reading.threads, thread_name_prefix="decode") as pool:
        for begin in range(0, len(images), _AT_ONCE):
            places = range(begin, min(begin + _AT_ONCE, len(images)))
            list(pool.map(fill, places))
            reading.note(done + places.stop, total)
    return whole, kept.nonzero().squeeze(1), broken
