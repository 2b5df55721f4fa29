"""Data sets as tensors: loaded by name or by a user's own factory, cached and fingerprinted.

The built-in ones are listed in ``study.training.recipe.data_catalog``, with the function that reads
each.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, Self

from torch import Tensor

from study.files.storage import StoragePath
from study.files.storage_uri import storage_path
from study.training.data.node_cache import fetch_folders, load_shared
from study.training.data.normalize import Normalization
from study.training.recipe.data_catalog import DATA_SETS, FILE_SETS, DataSetInfo
from study.training.recipe.sections import Data
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.imports import import_function
from study.training.runtime.reading import Reading

DATA_DIR_VARIABLE = "STUDY_DATA_DIR"
"""The environment variable that names the data folder."""

_DEFAULT_DATA_DIR = "data"
_OWN = "study.training.data.own.factory:load_own"
"""What loads a set by a factory; it takes the data section, the data folder and a Reading."""


class ReadImages(Protocol):
    """Images that are read as they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""

    @property
    def is_near(self) -> bool:
        """Whether they are read from this machine, without a client that forks can't share."""

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Self:
        """Return the images at these places."""

    def read(self, index: int, *, as_stored: bool = False) -> Tensor:
        """Return one image, (1, C, H, W), or with the height and width that it is stored with.

        Raises BrokenImage.
        """

    def statistics(self) -> Normalization:
        """Return the mean and standard deviation of each channel."""


Images = Tensor | ReadImages


@dataclass(frozen=True)
class DataSet:
    """Images of (N, C, H, W), uint8 or float in [0, 1], and their labels of (N,), int64.

    A set without test images has none of a shape like the others': (0, C, H, W).
    """

    train_images: Images
    train_labels: Tensor
    test_images: Images
    test_labels: Tensor
    classes: int
    """Labels are below this number."""
    fingerprint: str = ""
    """SHA-256 over all of the above; ``load_data_set`` fills it in."""
    class_names: tuple[str, ...] = ()
    """What the labels stand for, in their order; empty: the labels themselves."""
    validation_images: Images | None = None
    """The images that validate, where they are given; else a part of those that train does."""
    validation_labels: Tensor | None = None
    left_out: int = 0
    """Files that can't be decoded and are left out."""
    notes: tuple[str, ...] = ()
    """What somebody who trains on it may want to know."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width

    @property
    def names(self) -> list[str]:
        """What each label is called."""
        return list(self.class_names) or [str(label) for label in range(self.classes)]


def data_place(data_dir: str | Path | None = None) -> str:
    """Return where data lie: ``data_dir``, else what the environment names, else ``./data``."""
    return str(data_dir or os.environ.get(DATA_DIR_VARIABLE) or _DEFAULT_DATA_DIR)


def load_data_set(
    spec: Data, data_dir: str | Path | None = None, reading: Reading | None = None
) -> DataSet:
    """Load the data set that a recipe's data section names; named ones stay in this process's
    memory.

    ``data_dir`` is a folder, or one on an object store, of which each node fetches what it needs.
    The default is what the environment variable STUDY_DATA_DIR names, else ``./data``. Raises
    DataMissing where the images can't be had.
    """
    if spec.name in FILE_SETS:
        read = import_function(FILE_SETS[spec.name])
        data: DataSet = read(spec, files_place(spec, data_dir), reading or Reading())
        return data
    stored = storage_path(data_place(data_dir))
    info = DATA_SETS.get(spec.name)
    folder = stored.local_path() or fetch_folders(stored, info.folders if info else ())
    if info is None:
        own: DataSet = import_function(_OWN)(spec, folder, reading or Reading())
        return own
    return load_built_in(spec.name, folder)


def files_place(spec: Data, data_dir: str | Path | None) -> StoragePath:
    """Return where a set of the user's own files lies: a relative path is below the data folder."""
    path = str(spec.path)
    if "://" in path or Path(path).is_absolute():
        return storage_path(path)
    place = storage_path(data_place(data_dir))
    for part in Path(path).parts:
        place = place.parent if part == ".." else place / part
    return place


@lru_cache(maxsize=4)
def load_built_in(name: str, folder: Path) -> DataSet:
    """Load a data set of the catalog from ``folder``; a node's processes share its memory."""
    info = DATA_SETS[name]

    def read() -> DataSet:
        data: DataSet = import_function(info.reader)(folder)
        return with_fingerprint(replace(data, class_names=info.class_names))

    sources = _source_files(info, folder)
    if not sources:  # it is made or downloaded: there is nothing to tell whether a copy is current
        return read()
    shared = load_shared(name, sources, lambda: vars(read()), _is_intact)
    return replace(DataSet(**shared), class_names=info.class_names)


def _is_intact(content: dict[str, Any]) -> bool:
    """Whether what a data set was stored as still has its own fingerprint."""
    data = DataSet(**content)
    return with_fingerprint(data).fingerprint == data.fingerprint


def _source_files(info: DataSetInfo, folder: Path) -> list[Path]:
    """List the files that are there of those that the data set is read from."""
    if info.package:  # found without importing it, which takes longer than reading the images
        package = importlib.util.find_spec(info.package)
        return [Path(package.origin)] if package and package.origin else []
    files: list[Path] = []
    for name in info.folders:
        files += [path for path in (folder / name).rglob("*") if path.is_file()]
    return files


def check_same_images(data: DataSet, data_hash: str) -> None:
    """Raise a TrainingFailure of class ``data`` where other trainings had other images.

    ``data_hash`` begins the fingerprint of theirs, and is empty where there are none.
    """
    found = data.fingerprint[: len(data_hash)]
    if found != data_hash:
        raise TrainingFailure(
            "data",
            "the images must be those that the study's other trials were trained on, with hash"
            f" {data_hash}; found {found}: put the old ones back, or begin another study",
            {},
        )


def with_fingerprint(data: DataSet) -> DataSet:
    """Return the data set with the SHA-256 over its classes, shapes, types and bytes."""
    digest = hashlib.sha256(str(data.classes).encode())
    given = (data.validation_images, data.validation_labels)
    of_all = (data.train_images, data.train_labels, data.test_images, data.test_labels)
    for tensor in (*of_all, *given):
        if not isinstance(tensor, Tensor):
            continue  # there is none
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().numpy().data)
    return replace(data, fingerprint=digest.hexdigest())
