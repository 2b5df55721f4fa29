"""``data: {name: parquet, path: DIR}``: images in Parquet files of Hugging Face's form.

``train-*.parquet``, ``validation-*`` and ``test-*`` lie somewhere below the folder, with a column
``image`` of {bytes, path} and a column ``label``. Parquet gives rows only in blocks, and a training
wants single images in any order: so the images' bytes, as compressed as they were, are copied once
a node into one file from which each can be read by itself.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from search_spaces.validation import Fault
from study.files.storage import ListedFile, StoragePath
from study.files.visible_text import visible
from study.training.data.datasets import DataSet
from study.training.data.files.decode import BrokenImage
from study.training.data.files.faults import FaultyData
from study.training.data.files.image_set import make_data_set
from study.training.data.files.index import Files, ImageIndex, make_index
from study.training.data.files.layout import TEST, TRAIN, VALIDATION, Layout, with_test
from study.training.data.files.listing import Listing, list_files
from study.training.data.files.parquet_rows import ClassNames, read_rows, rows_in
from study.training.data.node_cache import cache_folder, keep_current, mark_checked, was_checked
from study.training.recipe.sections import Data
from study.training.runtime.reading import Reading

_PARTS = {"train": TRAIN, "validation": VALIDATION, "val": VALIDATION, "test": TEST}
_SUFFIX = ".parquet"


def read_parquet(spec: Data, place: StoragePath, reading: Reading) -> DataSet:
    """Return the images in the Parquet files below ``place``, or in that file.

    Raises FaultyData where there is no such set, or images are broken that the recipe doesn't leave
    out.
    """
    settings = f"{place} {spec.channels} {spec.test_fraction}"
    name = f"parquet-{hashlib.sha256(settings.encode(errors='surrogateescape')).hexdigest()[:24]}"
    copying = _Copying(name, spec, place, reading)
    content = keep_current(name, copying.is_current, copying.renew, reading.wait)
    mark_checked(name, reading.run)
    offsets, copy = content.pop("offsets"), Path(content.pop("copy"))
    index = ImageIndex(**content)
    return make_data_set(spec, index, CopiedSource(copy, offsets, index.sizes), reading)


@dataclass(frozen=True)
class CopiedSource:
    """Reads single images from the node's copy."""

    copy: Path
    offsets: Tensor  # (N,)
    sizes: Tensor  # (N,)

    @property
    def is_near(self) -> bool:
        """They are on this machine, wherever the Parquet files are."""
        return True

    def open(self, row: int) -> BinaryIO:
        """Return one image's bytes."""
        try:
            with self.copy.open("rb") as stream:
                stream.seek(int(self.offsets[row]))
                return io.BytesIO(stream.read(int(self.sizes[row])))
        except OSError as error:
            raise BrokenImage(error.strerror or "it can't be read") from None


class _Copying:
    """Looks whether a node's copy is current, and makes another one where it isn't."""

    def __init__(self, name: str, spec: Data, place: StoragePath, reading: Reading) -> None:
        self._name = name
        self._spec = spec
        self._reading = reading
        self._given = place
        self._is_file = place.name.lower().endswith(_SUFFIX)
        self._place = place.parent if self._is_file else place

    @cached_property
    def _listing(self) -> Listing:
        """The Parquet files. Raises FaultyData where there are none."""
        listing = list_files(self._place)
        files = [file for file in listing.files if file.name.lower().endswith(_SUFFIX)]
        if self._is_file:
            files = [file for file in files if file.name == self._given.name]
        if not files:
            must = "must be a folder with Parquet files, or one of them"
            raise FaultyData([Fault(("path",), must, visible(str(self._given)))])
        return Listing(files, {})

    def is_current(self, content: dict[str, Any]) -> bool:
        """Whether the files are still those that were copied; a store is listed for that once by a
        study's run.
        """
        if not Path(content["copy"]).exists():
            return False
        is_far = self._place.local_path() is None
        if is_far and was_checked(self._name, self._reading.run):
            return True
        return bool(content["version"] == self._listing.version())

    def renew(self, old: dict[str, Any] | None) -> dict[str, Any]:
        """Copy the images and make the index."""
        version = self._listing.version()
        copy = cache_folder() / f"images-{version[:24]}.bytes"
        self._check_room(copy.parent)
        rows, offsets, classes = self._copied_to(copy)
        by_name = dict(zip([file.name for _, _, file in rows], offsets, strict=True))
        if self._spec.test_fraction is not None:
            rows = with_test(rows, self._spec.test_fraction)
        rows.sort()
        layout = Layout(
            tuple(classes),
            [file for _, _, file in rows],
            [part for part, _, _ in rows],
            [label for _, label, _ in rows],
        )
        sorted_offsets = torch.tensor([by_name[file.name] for file in layout.files])
        index = make_index(
            Files(layout, version, {}),
            lambda blank: CopiedSource(copy, sorted_offsets, blank.sizes),
            self._spec.channels,
            threads=self._reading.threads,
            note=self._reading.note,
        )
        return index.to_content() | {"offsets": sorted_offsets, "copy": str(copy)}

    def _check_room(self, folder: Path) -> None:
        wanted = sum(file.size_bytes for file in self._listing.files)
        free = shutil.disk_usage(folder).free
        if wanted > free:
            must = f"must find room below {folder} (TMPDIR says where), {wanted / 1e9:,.1f} GB"
            raise FaultyData([Fault(("path",), must, f"{free / 1e9:,.1f} GB free")])

    def _copied_to(
        self, copy: Path
    ) -> tuple[list[tuple[int, int, ListedFile]], list[int], Sequence[str]]:
        """Copy all images, whole or not at all; return part, label and name of each, where it
        begins, and the classes.
        """
        names = ClassNames()
        rows: list[tuple[int, int, ListedFile]] = []
        offsets: list[int] = []
        total = sum(rows_in(self._at(file)) for file in self._listing.files)
        descriptor, partial = tempfile.mkstemp(prefix=".", dir=copy.parent)
        end = 0
        try:
            with os.fdopen(descriptor, "wb") as stream:
                for part, name, label, image in self._images(names):
                    stream.write(image)
                    rows.append((part, label, ListedFile(name, len(image), 0)))
                    offsets.append(end)
                    end += len(image)
                    if len(rows) % 1000 == 0:
                        self._reading.note(len(rows), total)
            os.replace(partial, copy)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
        labels, classes = names.settled([label for _, label, _ in rows])
        relabelled = [(part, new, file) for (part, _, file), new in zip(rows, labels, strict=True)]
        return relabelled, offsets, classes

    def _images(self, names: ClassNames) -> Iterator[tuple[int, str, int, bytes]]:
        """Give part, name, label and bytes of each image."""
        known = [_part_of(file.name) for file in self._listing.files]
        has_parts = any(part is not None for part in known)
        for file, part in zip(self._listing.files, known, strict=True):
            if has_parts and part is None:
                must = "must hold files train-*, validation-* or test-*, or no such names at all"
                raise FaultyData([Fault(("path",), must, visible(file.name))])
            for row, (label, image) in enumerate(read_rows(self._at(file), file.name, names)):
                yield part or TRAIN, f"{file.name}#{row}", label, image

    def _at(self, file: ListedFile) -> StoragePath:
        place = self._place
        for part in file.name.split("/"):
            place = place / part
        return place


def _part_of(name: str) -> int | None:
    """Return the part that a file belongs to by its name, if it names one."""
    stem = name.rpartition("/")[2][: -len(_SUFFIX)]
    return _PARTS.get(stem.partition("-")[0])
