"""The rows of a Parquet file of images: each one's label and bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from search_spaces.validation import Fault, alternatives, closest_match
from study.files.storage import StoragePath
from study.files.visible_text import visible
from study.training.data.files.faults import FaultyData

_IMAGE, _LABEL = "image", "label"
_AT_ONCE = 64
"""Rows in memory at once."""
_FEWEST_CLASSES = 2


class ClassNames:
    """The classes of all files: named in the files' metadata, by texts as labels, or numbers."""

    def __init__(self) -> None:
        self._named: Sequence[str] = ()
        self._texts: dict[str, int] = {}

    def take(self, metadata: dict[bytes, bytes] | None) -> None:
        """Take the names that Hugging Face's libraries leave in a file."""
        try:
            described = json.loads((metadata or {})[b"huggingface"])
            names = described["info"]["features"][_LABEL]["names"]
        except (KeyError, TypeError, ValueError):
            return
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            self._named = names

    def number(self, label: int | str) -> int:
        """Return a label's number; of texts it is settled once all are known."""
        if isinstance(label, str):
            return self._texts.setdefault(label, len(self._texts))
        return label

    def settled(self, numbers: list[int]) -> tuple[list[int], Sequence[str]]:
        """Return the labels as they count, and the classes by their names.

        Raises FaultyData where they are no classes.
        """
        if self._texts:
            names = sorted(self._texts)
            place = {self._texts[name]: names.index(name) for name in names}
            return self._checked([place[number] for number in numbers], names)
        return self._checked(numbers, self._named)

    def _checked(self, numbers: list[int], names: Sequence[str]) -> tuple[list[int], Sequence[str]]:
        least, most = min(numbers, default=0), max(numbers, default=0)
        classes = len(names) or most + 1
        if classes < _FEWEST_CLASSES or least < 0 or most >= classes:
            named = f" for the {len(names)} classes that are named" if names else ""
            must = f"must hold at least 2 classes as labels from 0 on{named}"
            raise FaultyData([Fault(("path",), must, f"labels from {least} to {most}")])
        return numbers, names or [str(number) for number in range(classes)]


def rows_in(file: StoragePath) -> int:
    """Return how many rows a file has; 0 of one on a store, which would have to be fetched."""
    if file.local_path() is None:
        return 0
    with _opened(file) as opened:
        return int(opened.metadata.num_rows)


def read_rows(file: StoragePath, name: str, names: ClassNames) -> Iterator[tuple[int, bytes]]:
    """Give each row's label and image as it is stored; a row without an image has empty bytes.

    Raises FaultyData where the file isn't of that form.
    """
    with _opened(file) as opened:
        schema = opened.schema_arrow
        names.take(schema.metadata)
        _check_columns([field.name for field in schema], name)
        for batch in opened.iter_batches(batch_size=_AT_ONCE, columns=[_IMAGE, _LABEL]):
            images, labels = batch.column(_IMAGE).to_pylist(), batch.column(_LABEL).to_pylist()
            for image, label in zip(images, labels, strict=True):
                if not isinstance(label, int | str):
                    must = "must hold whole numbers or texts as labels"
                    raise FaultyData([Fault(("path",), must, f"{label!r} in {visible(name)}")])
                yield names.number(label), _bytes_of(image, name)


def _check_columns(columns: list[str], name: str) -> None:
    for wanted in (_IMAGE, _LABEL):
        if wanted not in columns:
            must = f"must hold a column {wanted} in each Parquet file"
            found = f"none in {visible(name)}"
            near = closest_match(wanted, columns)
            raise FaultyData([Fault(("path",), must, found, alternatives(columns), near)])


def _bytes_of(image: Any, name: str) -> bytes:
    content = image.get("bytes") if isinstance(image, dict) else image
    if content is None:
        return b""
    if not isinstance(content, bytes):
        must = "must hold the images' bytes in the column image"
        raise FaultyData([Fault(("path",), must, f"{type(content).__name__} in {visible(name)}")])
    return content


@contextmanager
def _opened(file: StoragePath) -> Iterator[Any]:
    """Open a Parquet file; FaultyData where it, or what is read of it meanwhile, is damaged."""
    from pyarrow import ArrowException, parquet

    try:
        with file.open_binary() as stream:
            yield parquet.ParquetFile(stream)
    except (ArrowException, OSError) as error:
        text = " ".join(str(error).split())[:100]
        fault = Fault(("path",), "must hold whole Parquet files", f"{file.name}: {visible(text)}")
        raise FaultyData([fault]) from None
