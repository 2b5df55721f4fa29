"""One attempt at a training of the user's own, from its seed to its return."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from study.errors import StudyError, UserError
from study.files.storage import StoragePath
from study.files.storage_uri import storage_path
from study.training.best import BestBy
from study.training.checkpoint import CheckpointStore, NoCheckpoints
from study.training.data.datasets import data_place
from study.training.own.function import TrainFunction, load_function, make_config
from study.training.own.kept import keep_copy
from study.training.own.session import Session
from study.training.own.surroundings import OwnRow, Surroundings
from study.training.runtime.device import (
    device_name,
    is_device_shared,
    is_memory_short,
    memory_figures,
    release_memory,
    resolve_device,
)
from study.training.runtime.failures import Stopped, TrainingFailure, classify, traceback_text
from study.training.runtime.process_memory import freed_memory_kept
from study.training.runtime.process_sockets import give_sockets_room
from study.training.runtime.team.team import Alone, Team
from study.training.summary import Outcome

_ALONE = Alone()


def train_function(
    function: str | TrainFunction,
    config: Mapping[str, Any],
    *,
    seed: int,
    device: str | torch.device = "cpu",
    report: Callable[[OwnRow], bool],
    checkpoint: CheckpointStore | None = None,
    reported: int = 0,
    heartbeat: Callable[[], None] = lambda: None,
    repeated: Callable[[OwnRow], None] = lambda row: None,
    note_state: Callable[[], None] = lambda: None,
    objectives: tuple[str, ...] = (),
    epochs: int | None = None,
    best_by: BestBy | None = None,
    attempt: int = 1,
    data_dir: str | Path | None = None,
    folder: Path | None = None,
    kept: StoragePath | None = None,
    team: Team = _ALONE,
) -> Outcome:
    """Call a training function, or the one that ``package.module:function`` names, with a session.

    ``report`` gets each report's row once its state is durable, as far as that is saved, and
    answers whether to go on; ``last`` is false in it, as only the function knows. ``reported`` is
    the number of epochs whose rows the caller already has: for those ``repeated`` is called, and
    rows that only the checkpoint has are reported first. ``note_state`` is called before a report
    with a state. ``heartbeat`` is called as the function calls that of its session; like
    ``repeated`` it may raise Stopped. ``objectives`` must be in each report, and be finite.
    ``epochs`` is the training's length, where that is known. ``kept`` is the folder for what the
    session keeps; without it nothing is kept. Each of several workers of a ``team`` calls this; the
    first one reports, saves and keeps for all.

    Stopped, StorageFault and KeyboardInterrupt pass through, any other exception becomes a
    TrainingFailure. The function may do what it likes to its process: not for a process that is
    used again.
    """
    used_device = torch.device("cpu")
    try:
        used_device = resolve_device(device)
        loaded = load_training(function) if isinstance(function, str) else function
        made = _made(loaded, config)
        give_sockets_room()  # for a loader's processes, if it has some
        with _folder(folder) as own_folder, freed_memory_kept(used_device):
            surroundings = Surroundings(
                seed=seed,
                device=used_device,
                folder=own_folder,
                data_dir=_data_dir(data_dir),
                attempt=attempt,
                objectives=objectives,
                epochs=epochs,
                best_by=best_by,
                team=team,
            )
            session = Session(
                surroundings,
                checkpoint or NoCheckpoints(),
                report=report,
                repeated=repeated,
                note_state=note_state,
                heartbeat=heartbeat,
                keep=partial(keep_copy, kept),
                reported=reported,
            )
            return _call(loaded, made, session)
    except (Stopped, StudyError, KeyboardInterrupt) as error:
        ended: BaseException = error.with_traceback(None)
    except BaseException as error:
        failure = classify(error, partial(is_memory_short, used_device))
        if failure.failure_class == "out_of_memory":
            # The message's own figures win: they are of the very moment.
            failure.details = memory_figures(used_device) | failure.details
        if not isinstance(error, TrainingFailure):
            failure.details.setdefault("traceback", traceback_text(error))
        ended = failure
    # The exception's frames, which held on to tensors, are gone here.
    release_memory(used_device)
    raise ended


def load_training(reference: str) -> TrainFunction:
    """Import a training function; one that isn't there is a TrainingFailure of class invalid."""
    try:
        return load_function(reference)
    except UserError as error:
        raise TrainingFailure("invalid", str(error), {}) from None


def _made(function: TrainFunction, config: Mapping[str, Any]) -> Any:
    try:
        return make_config(function.config_type, config)
    except UserError as error:
        raise TrainingFailure("invalid", str(error), {}) from None


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """Give a folder to write in; one that is made here is gone afterwards."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="study-session-", ignore_cleanup_errors=True) as made:
        yield Path(made)


def _data_dir(data_dir: str | Path | None) -> Path | str:
    """Return where data lie: as a path, unless it is the address of an object store."""
    place = data_place(data_dir)
    return storage_path(place).local_path() or place


def _call(function: TrainFunction, config: Any, session: Session) -> Outcome:
    """Seed everything, and let the function train to its end."""
    session.take_up()
    seed_generators(session.seed)
    try:
        function.call(config, session)
    except BaseException as error:
        if isinstance(error, Stopped) and not session.is_over:
            message = "the function raised study.Stopped where nobody had told it to stop"
            raise TrainingFailure("error", message, {}) from None
        if not session.is_over:
            raise
    # What it does after it was told to end, a return or an error of its own, changes nothing.
    if session.failure is not None:
        raise session.failure
    if session.is_stopped:
        raise Stopped
    if not session.has_reported:
        raise TrainingFailure("invalid", f"{function.reference} returned without a report", {})
    session.end()
    return Outcome("returned", _summary(session))


def seed_generators(seed: int) -> None:
    """Seed the global generators of torch, Python's ``random`` and numpy."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def _summary(session: Session) -> dict[str, str | int | float | bool | None]:
    return {
        "total_seconds": session.seconds,
        "device": device_name(session.device),
        "torch_threads": torch.get_num_threads(),
        "device_shared": is_device_shared(session.device),
    }
