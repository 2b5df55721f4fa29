"""Drives a study: takes it up from its folder, has its trials executed, and records its end."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from study.controller.controller import Controller
from study.errors import OutsideFault, StudyLocked, UserError
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_run import OpenRun
from study.execution.open_study import open_study
from study.execution.own_code.hashes import check_code_change
from study.execution.run import RunOptions, RunResult, SteadyDisplay
from study.files import requests
from study.files.layout import StudyPaths
from study.files.lock import DriverLock, acquire_lock, lock_holder
from study.files.requests import Request
from study.journal.events import PointReopened
from study.journal.history import History
from study.journal.replay import read_history
from study.journal.spec_versions import (
    begin,
    extend,
    stored_spec_file,
    supersede_earlier_drivers,
    with_newest_parts,
)
from study.journal.trials import Trial
from study.spec.load import load_spec
from study.spec.spec import StudySpec

LOCK_PATIENCE = "STUDY_LOCK_PATIENCE_S"
"""The environment variable that says for how many seconds a driver waits for the study's lock."""
_LOCK_POLL_S = 1.0
_ENDED = ("complete", "target")
"""The reasons for which a session is closed that nobody need follow with another."""


def drive(
    paths: StudyPaths,
    options: RunOptions,
    *,
    begun: StudySpec | None = None,
    extension: StudySpec | None = None,
    retried: Sequence[int] = (),
    retry_all: bool = False,
) -> RunResult:
    """Drive a study from its folder until it ends, is interrupted or meets a fault.

    ``begun`` is the spec of a new study, or the one that a study that is there must have.
    ``extension`` becomes the study's spec first. The failed trials ``retried``, by their numbers,
    or with ``retry_all`` all that failed, run again.

    Raises StudyLocked where another driver has the study, UserError for what can't be extended or
    retried or finds no room, and an OutsideFault for what ends the study beside its trials.
    """
    options = replace(options, display=SteadyDisplay(options.display))
    paths.check_plain()
    earlier_stops = requests.waiting_stops(paths)
    with options.signals as signals:
        result = _drive(paths, options, earlier_stops, begun, extension, retried, retry_all)
        seen: list[Request] = []
        while result.reason in _ENDED and not signals.was_asked:
            late = requests.waiting(paths)  # asked for while the study ended: nobody else sees it
            if not late or late == seen:
                break
            seen = late
            if all(request.do == "stop" for request in late):
                _discard_stops(paths, late)
                continue
            with suppress(StudyLocked):  # whoever asked has taken the study, to do it himself
                result = _drive(paths, options, (), None, None, (), False)
        return result


def _drive(
    paths: StudyPaths,
    options: RunOptions,
    earlier_stops: Sequence[Request],
    begun: StudySpec | None,
    extension: StudySpec | None,
    retried: Sequence[int],
    retry_all: bool,
) -> RunResult:
    """Drive a study once; see ``drive``. ``earlier_stops`` were meant for drivers before."""
    with _locked(paths, options) as lock, _system_errors_as_faults(paths):
        requests.discard(earlier_stops)
        if begun:
            begin(paths, begun)
            extension = with_newest_parts(paths, begun)
        supersede_earlier_drivers(paths)
        if extension:
            _check_code(paths, options)
        extend(paths, extension, options.display.say)
        with (
            RayConnection(options.address) as connection,
            open_study(paths, options, connection, lock) as controller,
        ):
            reopened = 0
            if retried or retry_all:
                reopened = _reopen_failed(controller, None if retry_all else retried)
            run = OpenRun(paths, options, controller, connection, lock)
            if _is_complete(controller) and not requests.waiting(paths):
                return run.nothing_to_do()
            return run.to_its_end(reopened)


def _discard_stops(paths: StudyPaths, stops: Sequence[Request]) -> None:
    """Remove requests to stop a study that has ended; another driver follows them that has taken it
    up meanwhile.
    """
    with suppress(OSError):  # the next driver discards them, too
        if not lock_holder(paths.lock):
            requests.discard(stops)


def _check_code(paths: StudyPaths, options: RunOptions) -> None:
    """Raise UserError where the code of an own training has changed, before the study does."""
    history = read_history(paths.journal)
    if history.specs:
        spec = load_spec(stored_spec_file(paths))
        check_code_change(spec, history, accepted=options.accept_change)


@contextmanager
def _locked(paths: StudyPaths, options: RunOptions) -> Iterator[DriverLock]:
    """Hold the study's lock for the length of the block."""
    with store_errors_as_faults(paths):
        lock = _acquire_lock(paths, options)
    if lock.taken_from:
        options.display.say(
            f"taking the study over from {lock.taken_from}, which stops at its next record"
        )
    try:
        yield lock
    finally:
        lock.release()


def _acquire_lock(paths: StudyPaths, options: RunOptions) -> DriverLock:
    """Lock the study; a driver that follows one that died waits for that one's lock to end.

    Raises StudyLocked where it doesn't.
    """
    deadline = time.monotonic() + float(os.environ.get(LOCK_PATIENCE, 0))
    while True:
        try:
            return acquire_lock(paths.lock)
        except StudyLocked as locked:
            if time.monotonic() >= deadline:
                raise
            options.display.say(f"waiting for the lock of {locked.holder}, which may be dead")
            time.sleep(_LOCK_POLL_S)


@contextmanager
def store_errors_as_faults(paths: StudyPaths) -> Iterator[None]:
    """Turn what an object store refuses into an OutsideFault, as it does while a study is driven;
    errors of this machine's files, and a bucket that isn't there, are left to the caller.
    """
    if paths.folder.has_locks:
        yield
        return
    try:
        with _system_errors_as_faults(paths):
            yield
    except OutsideFault as fault:
        if isinstance(fault.__cause__, NotADirectoryError):
            raise fault.__cause__ from None
        raise


@contextmanager
def _system_errors_as_faults(paths: StudyPaths) -> Iterator[None]:
    """Turn what the system refuses while a study is driven into an OutsideFault of one line."""
    try:
        yield
    except BrokenPipeError:
        raise  # whoever read our output has gone
    except OSError as error:
        where = error.filename or paths.folder
        why = error.strerror or error
        raise OutsideFault(
            f"{where}: {why}; when that is mended: {paths.command('resume')}"
        ) from error


def _is_complete(controller: Controller) -> bool:
    """Whether the last run came to the study's end, and nothing has been asked for since."""
    sessions = controller.history.sessions
    if not sessions or sessions[-1].reason not in _ENDED:
        return False
    return controller.is_nothing_left()


def _reopen_failed(controller: Controller, numbers: Sequence[int] | None) -> int:
    """Record that failed trials run again, all where ``numbers`` is None; return how many."""
    failed = failed_trials(controller.history, numbers)
    if not failed:
        raise UserError("no trial has failed: there is nothing to run again")
    for trial in failed:
        controller.record(PointReopened(point=trial.point, trial=trial.number, why="retry"))
    return len(failed)


def failed_trials(history: History, numbers: Sequence[int] | None) -> list[Trial]:
    """Return the trials that have failed: those named, or all of them where ``numbers`` is None.

    Raises UserError where one of those named has not failed.
    """
    failed = [
        trial
        for trial in history.trials
        if trial.state == "FAIL" and not history.points[trial.point].is_dropped
    ]
    if numbers is None:
        return failed
    others = sorted(set(numbers) - {trial.number for trial in failed})
    if others:
        raise UserError(
            f"trial {others[0]} has not failed; failed trials: {[trial.number for trial in failed]}"
        )
    return [trial for trial in failed if trial.number in numbers]
