"""Checkpoints of one trial: whole or absent, checked when read, the two newest kept, never
unpickled.

A file is the SHA-256 of its body, then the body: a ``torch.save`` of plain values and tensors,
which is read with ``weights_only=True``. A newest file that is damaged, or another trial's, makes
way for the one before it. A file that the storage doesn't give at the moment is not a missing one.
"""

from __future__ import annotations

import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, Protocol, Self

import torch

from study.errors import StorageFault
from study.files.storage import StoragePath
from study.files.trial_files import CHECKPOINT_PREFIX, CheckpointFile

CheckpointState = dict[str, Any]
"""Plain values and tensors by name: all that a training needs to go on."""
MakeState = Callable[[], CheckpointState]

_KEPT = 2
_OWNER = "owner"
_DIGEST_BYTES = hashlib.sha256().digest_size


class CheckpointStore(Protocol):
    """Where a training saves its states, and finds the newest again."""

    def latest(self) -> CheckpointState | None: ...

    def save(self, epoch: int, state: CheckpointState) -> None: ...


class Pace(Protocol):
    """Says how often states are saved."""

    def is_due(self) -> bool:
        """Whether a state shall be saved now."""
        ...

    def measured(self) -> AbstractContextManager[None]:
        """Count what is done in the block as the cost of saving."""
        ...


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
        self._there: int | None = None
        """How many there are at most, but for what another attempt has saved since the last look;
        None before the first.
        """

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
        self._there = len(files)
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

    def take_up(self) -> CheckpointState | None:
        """Read the newest valid checkpoint to go on from; None where there is none.

        It is durable on return: an attempt that met an error may have left its name unsynced, and
        one that goes on from the last epoch saves nothing of its own. Raises OSError where the
        storage fails.
        """
        state = self.latest()
        if state is not None:
            self.folder.make_names_durable()
        return state

    def _is_own(self, state: CheckpointState) -> bool:
        owner = state.pop(_OWNER, self.owner)
        return not self.owner or owner == self.owner

    def save(self, epoch: int, state: CheckpointState) -> None:
        """Make ``state`` durable, then drop all but the two newest; StorageFault where the storage
        is full or broken.

        What another attempt saves meanwhile is dropped with the next look at the folder.
        """
        try:
            self.folder.make_folder(levels=2)  # a study's folder that was removed stays so
            owner = {_OWNER: self.owner} if self.owner else {}
            _write(self.path(epoch), state | owner)
            if self._there is not None:
                self._there += 1
            if self._there is None or self._there > _KEPT:
                self._drop_old()
            until_now = range(1, self.attempt + 1)  # a successor may be writing just now
            begun = (f"{CHECKPOINT_PREFIX}{attempt:04d}-" for attempt in until_now)
            self.folder.remove_partial_writes(*begun)
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
    buffer.write(bytes(_DIGEST_BYTES))
    torch.save(state, buffer)
    with buffer.getbuffer() as content:  # no second copy of what may be gigabytes
        content[:_DIGEST_BYTES] = hashlib.sha256(content[_DIGEST_BYTES:]).digest()
    path.write_whole(buffer.getvalue())


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


class Saving:
    """Makes the checkpoints of one training: as often as its pace allows, and at its end.

    From a GPU a state is copied to pinned memory, which takes milliseconds, and written by a thread
    while training goes on. On a CPU, whose time a thread would take as well, it is written at once.

    Leaving its block waits for what is being written. A StorageFault of the thread is raised when
    the next state is offered.
    """

    def __init__(
        self, store: CheckpointStore | None, device: torch.device, pace: Pace | None
    ) -> None:
        """Without a pace, the state of every epoch is saved."""
        self._store = store or NoCheckpoints()
        self._device = device
        self._pace = pace or _EveryEpoch()
        self._saved_epoch = 0
        """The newest epoch whose state is saved, or being written."""
        self._thread: threading.Thread | None = None
        self._fault: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._thread:
            self._thread.join()
        if error is None:
            self._raise_fault()

    def latest(self) -> CheckpointState | None:
        """Read the newest checkpoint."""
        found = self._store.latest()
        if found:
            self._saved_epoch = found["epoch"]
        return found

    def offer(self, epoch: int, make_state: MakeState) -> None:
        """Save the state of an epoch, or let it be, as the pace says."""
        self._raise_fault()
        is_writing = self._thread is not None and self._thread.is_alive()
        if is_writing or not self._pace.is_due():
            return
        self._saved_epoch = epoch
        if self._device.type != "cuda":
            self._write(epoch, make_state())
            return
        state = _on_host(make_state())
        torch.cuda.synchronize(self._device)
        self._thread = threading.Thread(
            target=self._write_aside, args=(epoch, state), name="saving", daemon=True
        )
        self._thread.start()

    def complete(self, epoch: int, make_state: MakeState) -> None:
        """Return once the state of this epoch, the last one, is durable."""
        if self._thread:
            self._thread.join()
        self._raise_fault()
        if self._saved_epoch < epoch:
            self._saved_epoch = epoch
            self._write(epoch, make_state())

    def _write(self, epoch: int, state: CheckpointState) -> None:
        with self._pace.measured():
            self._store.save(epoch, state)

    def _write_aside(self, epoch: int, state: CheckpointState) -> None:
        try:
            self._write(epoch, state)
        except BaseException as error:  # it belongs to the training, in its own thread
            self._fault = error

    def _raise_fault(self) -> None:
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault


class _EveryEpoch:
    """Off: saving takes what it takes."""

    def is_due(self) -> bool:
        return True

    def measured(self) -> AbstractContextManager[None]:
        return nullcontext()


def _on_host(value: Any) -> Any:
    """Return a copy of a state on the host; what comes from a GPU is there once that has done its
    work.
    """
    if isinstance(value, torch.Tensor):
        if value.device.type != "cuda":
            return value.detach().clone()
        there = torch.empty_like(value, device="cpu", pin_memory=True)
        return there.copy_(value.detach(), non_blocking=True)
    if isinstance(value, dict):
        copied = type(value)()
        for key, item in value.items():  # pairs would be counted, in a Counter
            copied[key] = _on_host(item)
        if isinstance(value, OrderedDict):
            vars(copied).update(vars(value))  # a module's state_dict has versions there
        return copied
    if isinstance(value, list):
        return [_on_host(item) for item in value]
    return value
