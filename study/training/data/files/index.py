"""All that is known of a set's image files: where each belongs, how large it is, what it shows.

A node makes the index once. Up to 100,000 files are each decoded for it; of more the headers are
read and a sample is decoded. It is held as a few tensors, which all processes of the node map, so
that a million files cost them nothing.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any, BinaryIO, NamedTuple, Protocol

import torch
from torch import Tensor

from study.training.data.files.decode import MOST_BYTES, BrokenImage, examine, read_size
from study.training.data.files.layout import Layout

MOST_DECODED = 100_000
"""Of a set of more files only a sample is decoded before it is trained on."""
SAMPLED = 10_000
_AT_ONCE = 256
_SHOWN_LEFT_OUT = 5

UNREAD, MEASURED, DECODED, BROKEN = range(4)
"""What is known of a file: nothing yet, its size in pixels, all of it, or that it is broken."""


class Source(Protocol):
    """Gives the bytes of each file of a set by its row in the index."""

    @property
    def is_near(self) -> bool:
        """Whether reading a file's header costs next to nothing."""

    def open(self, row: int) -> BinaryIO:
        """Open a file. Raises BrokenImage where it isn't there, or not the one of the index."""


@dataclass(frozen=True)
class ImageIndex:
    """One row for each file, of one class after the other within each part of the set."""

    classes: list[str]
    name_bytes: Tensor  # (bytes of all names,), uint8
    name_ends: Tensor  # (N,)
    parts: Tensor  # (N,), int8: places in ``layout.PARTS``
    labels: Tensor  # (N,), int64
    sizes: Tensor  # (N,), in bytes
    changed_ns: Tensor  # (N,)
    states: Tensor  # (N,), int8
    sides: Tensor  # (N, 2), int32: height and width; 0 where they aren't known
    moments: Tensor  # (N, 2C), float32: means and mean squares of the decoded ones
    digests: Tensor  # (N,): of the content of the decoded ones
    reasons: dict[int, str]
    """Why the broken ones are."""
    left_out: list[str]
    """The first files that aren't taken for images."""
    left_out_count: int
    folders: dict[str, int]
    """When each folder last got or lost an entry, in ns."""
    version: str
    """Of the names, sizes and times of change of all files."""

    def __len__(self) -> int:
        return len(self.labels)

    def to_content(self) -> dict[str, Any]:
        """Return the index as plain data and tensors, for the node's cache."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def name(self, row: int) -> str:
        """Return a file's path within the set."""
        ends = self.name_ends.numpy()  # whose items come in a tenth of the time
        begin = ends[row - 1] if row else 0
        return os.fsdecode(self.name_bytes.numpy()[begin : ends[row]].tobytes())

    def rows_of(self, part: int) -> Tensor:
        """Return the rows of a part's files that aren't broken."""
        return ((self.parts == part) & (self.states != BROKEN)).nonzero().squeeze(1)

    def broken(self) -> list[tuple[str, str]]:
        """Return the name of each broken file, and why it is."""
        return [(self.name(row), reason) for row, reason in self.reasons.items()]

    def fingerprint(self) -> str:
        """Return a SHA-256 over names, classes and content as far as that was read: it is the same
        on each node that has the same files.
        """
        digest = hashlib.sha256("\n".join(self.classes).encode(errors="surrogateescape"))
        broken = self.states == BROKEN
        told = (self.name_bytes, self.name_ends, self.parts, self.labels, self.sizes)
        for tensor in (*told, self.digests, broken):
            digest.update(tensor.contiguous().numpy().data)
        return digest.hexdigest()


class Files(NamedTuple):
    """The files of a set before they have been looked at."""

    layout: Layout
    version: str
    """Changes with any name, size or time of change."""
    folders: Mapping[str, int]


def make_index(
    found: Files,
    source_of: Callable[[ImageIndex], Source],
    channels: int,
    *,
    threads: int,
    old: ImageIndex | None = None,
    note: Callable[[int, int], None] = lambda done, total: None,
) -> ImageIndex:
    """Look at the files and return the index of them.

    What an ``old`` index knows of a file that is still the same is taken from there. ``note`` is
    told how many of how many have been looked at.
    """
    index = _blank(found, channels)
    todo = _taken_over(index, old)
    decoded = _to_decode(index)
    source = source_of(index)

    def look(row: int) -> _Seen:
        try:
            if row in decoded:
                return _decoded(source, row, channels)
            return _measured(source, row)
        except BrokenImage as error:
            return _Seen(BROKEN, reason=str(error))

    done = len(index) - len(todo)
    note(done, len(index))
    with ThreadPoolExecutor(threads, thread_name_prefix="index") as pool:
        for rows in _batches(todo):
            for row, seen in zip(rows, pool.map(look, rows), strict=True):
                _fill(index, row, seen)
            done += len(rows)
            note(done, len(index))
    return index


class _Seen(NamedTuple):
    state: int
    sides: tuple[int, int] = (0, 0)
    moments: Sequence[float] = ()
    digest: int = 0
    reason: str = ""


def _decoded(source: Source, row: int, channels: int) -> _Seen:
    with source.open(row) as stream:
        content = stream.read()
    digest = hashlib.sha256(content).digest()
    seen = examine(content, channels)
    folded = int.from_bytes(digest[:8], "big", signed=True)
    return _Seen(DECODED, (seen.height, seen.width), seen.moments, folded)


def _measured(source: Source, row: int) -> _Seen:
    if not source.is_near:
        return _Seen(UNREAD)
    with source.open(row) as stream:
        return _Seen(MEASURED, read_size(stream))


def _fill(index: ImageIndex, row: int, seen: _Seen) -> None:
    index.states[row] = seen.state
    index.sides[row] = torch.tensor(seen.sides, dtype=torch.int32)
    index.digests[row] = seen.digest
    if seen.moments:
        index.moments[row] = torch.tensor(seen.moments)
    if seen.reason:
        index.reasons[row] = seen.reason


def _blank(found: Files, channels: int) -> ImageIndex:
    """Return the index of files that nobody has looked at."""
    layout, files = found.layout, found.layout.files
    count = len(files)
    names = [os.fsencode(file.name) for file in files]
    ends = torch.tensor([len(name) for name in names], dtype=torch.int64).cumsum(0)
    index = ImageIndex(
        classes=list(layout.classes),
        name_bytes=torch.frombuffer(bytearray(b"".join(names)), dtype=torch.uint8),
        name_ends=ends,
        parts=torch.tensor(layout.parts, dtype=torch.int8),
        labels=torch.tensor(layout.labels, dtype=torch.int64),
        sizes=torch.tensor([file.size_bytes for file in files], dtype=torch.int64),
        changed_ns=torch.tensor([file.changed_ns for file in files], dtype=torch.int64),
        states=torch.zeros(count, dtype=torch.int8),
        sides=torch.zeros(count, 2, dtype=torch.int32),
        moments=torch.zeros(count, 2 * channels),
        digests=torch.zeros(count, dtype=torch.int64),
        reasons={},
        left_out=list(layout.left_out[:_SHOWN_LEFT_OUT]),
        left_out_count=len(layout.left_out),
        folders=dict(found.folders),
        version=found.version,
    )
    for row, size in enumerate(index.sizes.tolist()):
        if size <= 0 or size > MOST_BYTES:
            index.states[row] = BROKEN
            index.reasons[row] = _size_fault(size)
    return index


def _size_fault(size: int) -> str:
    if size < 0:
        return "it is a link that leads nowhere"
    if size == 0:
        return "it is empty"
    return f"it has {size / 2**20:,.0f} MiB, more than {MOST_BYTES / 2**20:,.0f}"


def _taken_over(index: ImageIndex, old: ImageIndex | None) -> list[int]:
    """Take over what an old index knows of the same files; return the rows left to look at."""
    todo: list[int] = (index.states == UNREAD).nonzero().squeeze(1).tolist()
    if old is None:
        return todo
    rows = zip(old.sizes.tolist(), old.changed_ns.tolist(), strict=True)
    known = {(old.name(row), *facts): row for row, facts in enumerate(rows)}
    least = DECODED if len(index) <= MOST_DECODED else UNREAD
    sizes, times = index.sizes.tolist(), index.changed_ns.tolist()
    left = []
    for row in todo:
        before = known.get((index.name(row), sizes[row], times[row]))
        if before is None or old.states[before] < least:
            left.append(row)
            continue
        for column in ("states", "sides", "moments", "digests"):
            getattr(index, column)[row] = getattr(old, column)[before]
        if before in old.reasons:
            index.reasons[row] = old.reasons[before]
    return left


def _to_decode(index: ImageIndex) -> range | set[int]:
    """Return the rows that are decoded: all, or a sample from one end of the set to the other."""
    count = len(index)
    if count <= MOST_DECODED:
        return range(count)
    return set(range(0, count, math.ceil(count / SAMPLED)))


def _batches(rows: list[int]) -> Iterator[list[int]]:
    for begin in range(0, len(rows), _AT_ONCE):
        yield rows[begin : begin + _AT_ONCE]
