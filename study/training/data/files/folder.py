"""``data: {name: folder, path: DIR}``: images in folders by class, of any number.

An index of the files is made once a node. Sets that are small once decoded are decoded once a node
too, and lie in memory like named sets where the recipe's loader wants that; all others are decoded
by loader processes as they come.
"""

from __future__ import annotations

import hashlib
import io
import os
from functools import cached_property
from typing import Any, BinaryIO

from study.errors import DataMissing
from study.files.storage import StoragePath
from study.training.data.datasets import DataSet
from study.training.data.files.decode import BrokenImage
from study.training.data.files.faults import FaultyData
from study.training.data.files.image_set import make_data_set
from study.training.data.files.index import Files, ImageIndex, make_index
from study.training.data.files.layout import lay_out
from study.training.data.files.listing import Listing, are_unchanged, list_files
from study.training.data.node_cache import keep_current, mark_checked, was_checked
from study.training.recipe.sections import Data
from study.training.runtime.reading import Reading


def read_folder(spec: Data, place: StoragePath, reading: Reading) -> DataSet:
    """Return the images in folders below ``place``.

    Raises FaultyData where there is no such set, or files are broken that the recipe doesn't leave
    out.
    """
    index = folder_index(spec, place, reading)
    return make_data_set(spec, index, FolderSource(place, index), reading)


class FolderSource:
    """Reads the files below a folder, as long as they are those of the index."""

    def __init__(self, place: StoragePath, index: ImageIndex) -> None:
        self._place = place
        self._local = place.local_path()
        self._index = index

    @property
    def is_near(self) -> bool:
        """Whether they are on this machine."""
        return self._local is not None

    def open(self, row: int) -> BinaryIO:
        """Open a file; one of a store is read whole."""
        name = self._index.name(row)
        if self._local is None:
            return self._fetched(name, row)
        try:
            stream = (self._local / name).open("rb")
        except OSError as error:
            raise BrokenImage(error.strerror or "it can't be read") from None
        status = os.fstat(stream.fileno())
        found = (status.st_size, status.st_mtime_ns)
        if found != (int(self._index.sizes[row]), int(self._index.changed_ns[row])):
            stream.close()
            raise BrokenImage("it was changed while images were read")
        return stream

    def _fetched(self, name: str, row: int) -> BinaryIO:
        place = self._place
        for part in name.split("/"):
            place = place / part
        try:
            content = place.read_bytes()
        except FileNotFoundError as error:
            raise BrokenImage("it is no longer there") from error
        except OSError as error:  # the store's fault, not the file's
            raise DataMissing(f"{place} can't be read: {error}") from None
        if len(content) != int(self._index.sizes[row]):
            raise BrokenImage("it was changed while images were read")
        return io.BytesIO(content)


def folder_index(spec: Data, place: StoragePath, reading: Reading) -> ImageIndex:
    """Return the index of the files below ``place``, which the node keeps.

    Raises FaultyData where they are no set of images.
    """
    settings = f"{place} {spec.channels} {spec.test_fraction}"
    name = f"folder-{hashlib.sha256(settings.encode(errors='surrogateescape')).hexdigest()[:24]}"
    pass_ = _Pass(name, spec, place, reading)
    content = keep_current(name, pass_.is_current, pass_.renew, reading.wait)
    mark_checked(name, reading.run)
    return ImageIndex(**content)


class _Pass:
    """Looks whether an index is current, and makes another one where it isn't."""

    def __init__(self, name: str, spec: Data, place: StoragePath, reading: Reading) -> None:
        self._name = name
        self._spec = spec
        self._place = place
        self._reading = reading

    @cached_property
    def _listing(self) -> Listing:
        return list_files(self._place, lambda found: self._reading.wait())

    def is_current(self, content: dict[str, Any]) -> bool:
        """Whether the files are still those of the index.

        A folder of this machine isn't listed for that where none of its folders got or lost an
        entry, unless that is asked for: a file that was written over is noticed when it is read.
        One on a store, where a million objects take minutes, is listed once by a study's run.
        """
        if content["folders"] and not self._reading.is_thorough:
            return are_unchanged(self._place, content["folders"])
        if not content["folders"] and was_checked(self._name, self._reading.run):
            return True
        return bool(content["version"] == self._listing.version())

    def renew(self, old: dict[str, Any] | None) -> dict[str, Any]:
        """Make the index; of files that an old one knows only what is new is looked at."""
        listing = self._listing
        layout, faults = lay_out(self._place, listing.files, self._spec.test_fraction)
        if layout is None:
            raise FaultyData(faults)
        found = Files(layout, listing.version(), listing.folders)
        index = make_index(
            found,
            lambda blank: FolderSource(self._place, blank),
            self._spec.channels,
            threads=self._reading.threads,
            old=ImageIndex(**old) if old else None,
            note=self._reading.note,
        )
        return index.to_content()
