"""Checkpoints of one trial: whole or absent, checked when read, the two newest kept, never
unpickled.

A file is the SHA-256 of its body, then the body: a ``torch.save`` of plain values and tensors,
which is read with ``weights_only=True``. A damaged newest file makes way for the one before it.
"""

from __future__ import annotations

import hashlib
import io
from typing import Any, Protocol

import torch

from study.errors import StorageFault
from study.files.storage import StoragePath
from study.files.trial_files import CHECKPOINT_PREFIX, CheckpointFile

CheckpointState = dict[str, Any]
"""Plain values and tensors by name: all that a training needs to go on."""

_KEPT = 2
_DIGEST_BYTES = hashlib.sha256().digest_size


class CheckpointStore(Protocol):
    """Where a training saves its state after each epoch, and finds it again."""

    def latest(self) -> CheckpointState | None: ...

    def save(self, epoch: int, state: CheckpointState) -> None: ...


class NoCheckpoints:
    """Keeps nothing: a training that is interrupted starts again."""

    def latest(self) -> CheckpointState | None:
        return None

    def save(self, epoch: int, state: CheckpointState) -> None:
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
        """Where this attempt's checkpoint of an epoch lies."""
        return self.folder / CheckpointFile(self.attempt, epoch).name

    def newest_first(self) -> list[CheckpointFile]:
        """List the checkpoints that are there, be they valid or not."""
        files = []
        for parts in self.folder.files_below():
            file = CheckpointFile.parse(parts[0])
            if file:
                files.append(file)
        return sorted(files, reverse=True)

    def latest(self) -> CheckpointState | None:
        """Read the newest valid checkpoint; None where there is none."""
        for file in self.newest_first():
            state = _read(self.folder / file.name)
            if state is not None:
                return state
        return None

    def save(self, epoch: int, state: CheckpointState) -> None:
        """Make ``state`` durable, then drop all but the two newest; StorageFault where the storage
        is full or broken.
        """
        try:
            self.folder.make_folder()
            _write(self.path(epoch), state)
            self._drop_old()
            self.folder.remove_partial_writes(CHECKPOINT_PREFIX)
        except OSError as error:
            raise StorageFault(
                f"can't write the checkpoint {self.path(epoch)}: {error.strerror or error}"
            ) from error

    def _drop_old(self) -> None:
        files = [file for file in self.newest_first() if file.attempt <= self.attempt]
        for file in files[_KEPT:]:
            (self.folder / file.name).unlink(missing_ok=True)


def _write(path: StoragePath, state: CheckpointState) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    body = buffer.getvalue()
    path.write_whole(hashlib.sha256(body).digest() + body)


def _read(path: StoragePath) -> CheckpointState | None:
    """The state in a file, or None where the file is missing, cut short or changed."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    state: CheckpointState = torch.load(io.BytesIO(body), weights_only=True, map_location="cpu")
    return state
