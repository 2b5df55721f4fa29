"""Checkpoints of one trial: whole or absent, checked when read, the two newest kept, never
unpickled.

A file is the SHA-256 of its body, then the body: a ``torch.save`` of plain values and tensors,
which is read with ``weights_only=True``. A newest file that is damaged, or another trial's, makes
way for the one before it. A file that the storage doesn't give at the moment is not a missing one.
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
_OWNER = "owner"
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

    def __init__(self, folder: StoragePath, attempt: int = 1, owner: str = "") -> None:
        """``owner`` is written into each checkpoint and asked of it when it is read; an empty one
        is not.
        """
        self.folder = folder
        self.attempt = attempt
        self.owner = owner

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
        """Read the newest valid checkpoint; None where there is none.

        Raises OSError where the storage fails to give one of those that are there.
        """
        files = self.newest_first()
        while files:
            for file in files:
                state = _read(self.folder / file.name)
                if state is not None and self._is_own(state):
                    return state
            # A worker that lives on beside this one may have replaced them all in the meantime.
            before, files = files, self.newest_first()
            if files == before:
                return None
        return None

    def _is_own(self, state: CheckpointState) -> bool:
        owner = state.pop(_OWNER, self.owner)
        return not self.owner or owner == self.owner

    def save(self, epoch: int, state: CheckpointState) -> None:
        """Make ``state`` durable, then drop all but the two newest; StorageFault where the storage
        is full or broken.
        """
        try:
            self.folder.make_folder(levels=2)  # a study's folder that was removed stays so
            owner = {_OWNER: self.owner} if self.owner else {}
            _write(self.path(epoch), state | owner)
            self._drop_old()
            for attempt in range(1, self.attempt + 1):  # a successor may be writing just now
                self.folder.remove_partial_writes(f"{CHECKPOINT_PREFIX}{attempt:04d}-")
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
    """The state in a file, or None where the file is gone, cut short, changed or no checkpoint."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    digest, body = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(body).digest() != digest:
        return None
    try:
        state = torch.load(io.BytesIO(body), weights_only=True, map_location="cpu")
    except MemoryError:
        raise
    except Exception:  # torch has many ways to refuse what it didn't write
        return None
    return state if isinstance(state, dict) else None
