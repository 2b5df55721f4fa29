"""Checkpoints of one trial: whole or absent, checked when read, the two newest kept, never
unpickled.

A file is the SHA-256 of its body, then the body: a ``torch.save`` of plain values and tensors,
which is read with ``weights_only=True``. A damaged newest file makes way for the one before it.
"""

from __future__ import annotations

import hashlib
import io
import re
from typing import Any, Protocol

import torch

from study.errors import StorageFault
from study.files.storage import StoragePath

State = dict[str, Any]

_KEPT = 2
_NAME = re.compile(r"attempt-(\d{4,})-epoch-(\d{6,})\.ckpt")
_DIGEST_BYTES = hashlib.sha256().digest_size


class CheckpointStore(Protocol):
    def latest(self) -> State | None: ...

    def save(self, epoch: int, state: State) -> None: ...


class NoCheckpoints:
    """Nothing is kept: a training that is interrupted starts again."""

    def latest(self) -> State | None:
        return None

    def save(self, epoch: int, state: State) -> None:
        pass


class Checkpoints:
    """The checkpoints of one trial in one folder, written by its attempt number ``attempt``.

    Each attempt writes files of its own, and removes none of a later one: a worker that lives on
    beside its successor can't harm it.
    """

    def __init__(self, folder: StoragePath, attempt: int = 1) -> None:
        self.folder = folder
        self.attempt = attempt

    def path(self, epoch: int) -> StoragePath:
        return self.folder / f"attempt-{self.attempt:04d}-epoch-{epoch:06d}.ckpt"

    def kept(self) -> list[tuple[int, str]]:
        """The attempt and the name of each checkpoint: of the latest attempt first, of its epochs
        the newest.
        """
        names = (parts[0] for parts in self.folder.files_below())
        found = [
            (int(match[1]), int(match[2]), name)
            for name in names
            if (match := _NAME.fullmatch(name))
        ]
        return [(attempt, name) for attempt, _, name in sorted(found, reverse=True)]

    def latest(self) -> State | None:
        """The newest valid checkpoint; None where there is none."""
        for _, name in self.kept():
            state = _read(self.folder / name)
            if state is not None:
                return state
        return None

    def save(self, epoch: int, state: State) -> None:
        """Make ``state`` durable, then drop all but the two newest. A full or broken disk is a
        StorageFault.
        """
        try:
            self.folder.make_folder()
            write(self.path(epoch), state)
            own = [name for attempt, name in self.kept() if attempt <= self.attempt]
            for old in own[_KEPT:]:
                (self.folder / old).unlink(missing_ok=True)
            self.folder.remove_partial_writes("attempt-")
        except OSError as error:
            raise StorageFault(
                f"can't write the checkpoint {self.path(epoch)}: {error.strerror or error}"
            ) from error


def write(path: StoragePath, state: State) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    body = buffer.getvalue()
    path.write_whole(hashlib.sha256(body).digest() + body)


def _read(path: StoragePath) -> State | None:
    """The state in ``path``, or None where the file is missing, cut short or changed."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    state: State = torch.load(io.BytesIO(body), weights_only=True, map_location="cpu")
    return state
