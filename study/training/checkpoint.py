"""Checkpoints of one trial: whole or absent, checked when read, the two newest kept, never unpickled.

A file is the SHA-256 of its body, then the body: a ``torch.save`` of plain values and tensors, which is read with
``weights_only=True``. A damaged newest file makes way for the one before it.
"""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path
from typing import Any, Protocol

import torch

from study.errors import StorageFault
from study.files import make_folder, write_whole

State = dict[str, Any]

KEPT = 2
NAME = re.compile(r"epoch-(\d{6,})\.ckpt")
DIGEST_BYTES = hashlib.sha256().digest_size


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
    """The checkpoints in one local folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:06d}.ckpt"

    def epochs(self) -> list[int]:
        """The epochs that have a checkpoint, newest first."""
        if not self.folder.is_dir():
            return []
        matches = (NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted((int(match[1]) for match in matches if match), reverse=True)

    def latest(self) -> State | None:
        """The newest valid checkpoint; None where there is none."""
        for epoch in self.epochs():
            state = read(self.path(epoch))
            if state is not None:
                return state
        return None

    def save(self, epoch: int, state: State) -> None:
        """Make ``state`` durable, then drop all but the two newest. A full or broken disk is a StorageFault."""
        try:
            make_folder(self.folder)
            write(self.path(epoch), state)
            for old in self.epochs()[KEPT:]:
                self.path(old).unlink(missing_ok=True)
            for partial in self.folder.glob(".epoch-*"):  # what a kill in the middle of a write has left
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise StorageFault(f"can't write the checkpoint {self.path(epoch)}: {error.strerror or error}") from error


def write(path: Path, state: State) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    body = buffer.getvalue()
    write_whole(path, hashlib.sha256(body).digest() + body)


def read(path: Path) -> State | None:
    """The state in ``path``, or None where the file is missing, cut short or changed."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    state: State = torch.load(io.BytesIO(body), weights_only=True, map_location="cpu")
    return state
