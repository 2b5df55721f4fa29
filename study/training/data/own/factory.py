"""Calls a user's ``package.module:factory`` of a data set, and looks at what it returns.

A study's run calls it once a node: its trials share the images like those of named sets. Nobody can
tell whether what it reads has changed, so that another run calls it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from study.training.data.augment import begins_with_crop
from study.training.data.check import data_set_faults
from study.training.data.datasets import DataSet, ReadImages, with_fingerprint
from study.training.data.files.image_set import RESIDENT_BYTES
from study.training.data.node_cache import keep_current
from study.training.data.own.map_style import PARTS, NotAsMust, make_data_set
from study.training.recipe.sections import Data, DeviceLoader
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.imports import import_function
from study.training.runtime.reading import Reading
from study.training.runtime.signatures import signature_fault

_RETURNED = "a DataSet, a map-style torch Dataset, or a mapping of those by train, validation, test"


def load_own(spec: Data, folder: Path, reading: Reading) -> DataSet:
    """Return the images that the factory gives for a data section and the data folder.

    Raises a TrainingFailure of class ``invalid``, in one sentence, where they are none.
    """
    factory = _factory_of(spec)
    if not reading.run:
        return _in_memory_or_read(_made(factory, spec, folder, reading), spec, reading)
    of_this_process: list[DataSet] = []

    def renew(old: dict[str, Any] | None) -> dict[str, Any]:
        made = _in_memory_or_read(_made(factory, spec, folder, reading), spec, reading)
        of_this_process.append(made)
        kept = vars(made) if isinstance(made.train_images, Tensor) else None
        return {"run": reading.run, "data": kept}

    told = f"{spec.name} {spec.model_dump_json()} {folder}"
    key = hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()[:24]
    content = keep_current(
        f"own-{key}", lambda kept: bool(kept["run"] == reading.run), renew, reading.wait
    )
    if content["data"] is not None:
        return DataSet(**content["data"])
    if of_this_process:
        return of_this_process[0]
    return _made(factory, spec, folder, reading)


def _factory_of(spec: Data) -> Callable[..., Any]:
    try:
        factory = import_function(spec.name)
    except (ImportError, AttributeError) as error:
        raise TrainingFailure(
            "invalid", f"data.name: must be importable; found {spec.name}: {error}", {}
        ) from error
    fault = signature_fault(factory, spec.name, ("data", "folder"), {})
    if fault:
        raise TrainingFailure("invalid", f"data.name: {fault}", {})
    return factory


def _made(factory: Callable[..., Any], spec: Data, folder: Path, reading: Reading) -> DataSet:
    """Call the factory and check what it returns."""
    data = factory(spec, folder)
    if isinstance(data, DataSet):
        faults = "; ".join(_faults(data))
        if faults:
            raise TrainingFailure("invalid", f"data.name: of {spec.name} {faults}", {})
        return with_fingerprint(data)
    parts = {"train": data} if isinstance(data, Dataset) else data
    if not _are_parts(parts):
        found = f"{type(data)}"
        if isinstance(data, Mapping):
            kinds = [f"{name}: {type(part).__name__}" for name, part in data.items()]
            found = f"a mapping of {', '.join(kinds) or 'nothing'}"
        raise TrainingFailure(
            "invalid", f"data.name: {spec.name} must return {_RETURNED}; found {found}", {}
        )
    try:
        return make_data_set(spec, parts, reading)
    except NotAsMust as fault:
        raise TrainingFailure("invalid", f"data.name: of {spec.name} {fault}", {}) from None


def _are_parts(parts: Any) -> bool:
    return (
        isinstance(parts, Mapping)
        and "train" in parts
        and set(parts) <= set(PARTS)
        and all(_is_map_style(part) for part in parts.values())
    )


def _is_map_style(part: Any) -> bool:
    is_set = isinstance(part, Dataset) and not isinstance(part, IterableDataset)
    return is_set and hasattr(part, "__len__")


def _faults(data: DataSet) -> Iterator[str]:
    """Say in what tensors aren't as they must be."""
    if data.class_names and len(data.class_names) != data.classes:
        must = f"must name each of its {data.classes} classes"
        yield f"{must}; found {len(data.class_names)} names"
        return
    parts: dict[str, tuple[Any, Any]] = {
        "train": (data.train_images, data.train_labels),
        "test": (data.test_images, data.test_labels),
    }
    if data.validation_images is not None or data.validation_labels is not None:
        parts["validation"] = (data.validation_images, data.validation_labels)
    yield from data_set_faults(data.classes, parts)


def _in_memory_or_read(data: DataSet, spec: Data, reading: Reading) -> DataSet:
    """Read all of a small map-style set, as the node's trials share it; larger ones stay as they
    are.
    """
    parts = (data.train_images, data.test_images, data.validation_images)
    read = [images for images in parts if images is not None and not isinstance(images, Tensor)]
    if not read or not isinstance(spec.loader, DeviceLoader) or begins_with_crop(spec.augment):
        return data
    first = read[0].read(0)
    if sum(map(len, read)) * first.numel() * first.element_size() > RESIDENT_BYTES:
        return data
    total, done = sum(map(len, read)), 0
    whole = []
    for images in parts:
        if images is None or isinstance(images, Tensor):
            whole.append(images)
            continue
        whole.append(_read_all(images, first, reading, done, total))
        done += len(images)
    train, test, validation = whole
    assert train is not None
    assert test is not None
    return replace(data, train_images=train, test_images=test, validation_images=validation)


def _read_all(images: ReadImages, first: Tensor, reading: Reading, done: int, total: int) -> Tensor:
    whole = torch.empty(images.shape, dtype=first.dtype)
    for place in range(len(images)):
        whole[place] = images.read(place)[0]
        reading.note(done + place + 1, total)
    return whole
