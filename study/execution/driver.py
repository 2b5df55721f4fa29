"""Driving a study: its folder taken up, its journal replayed, its trials executed, its end
recorded.
"""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from study.controller.controller import Controller
from study.controller.warm_start import warmed_events
from study.errors import Interrupted, OutsideFault, StorageFault, UserError
from study.execution import provenance, requests
from study.execution.housekeeping import Housekeeping
from study.execution.ray_runtime import Connection
from study.execution.resources import Room, check_fits, machine_cpus, slots
from study.files.layout import StudyPaths
from study.files.lock import acquire_lock
from study.files.storage_uri import storage_path
from study.journal.history import FORMAT, WHOLE, History
from study.journal.integrity import check_nothing_lost
from study.journal.journal import Journal
from study.journal.spec_versions import current_spec, digest, extend, open_journal, supersede
from study.sampling.proposer import effective_options
from study.spec.load import load_spec
from study.spec.spec import StudySpec

_RESUMABLE = ("interrupted", "wall_hours", "gpu_hours")


class Watcher:
    """Looks on while a study runs; the terminal's display is one."""

    def begin(self, spec: StudySpec, controller: Controller) -> None:
        pass

    def tick(self) -> None:
        """Called about ten times a second."""

    def say(self, message: str) -> None:
        """Show one line."""

    def end(self) -> None:
        pass


@dataclass(frozen=True)
class Ended:
    """How a session with a study ended."""

    paths: StudyPaths
    history: History
    reason: str
    gpus: float = 0.0
    """The share of a GPU that each trial had."""

    @property
    def exit_code(self) -> int:
        if self.reason in _RESUMABLE:
            return Interrupted.exit_code
        if self.reason in ("halted", "failures"):
            return OutsideFault.exit_code
        return 0 if any(point.state == "COMPLETE" for point in self.history.points) else 1


@dataclass(frozen=True)
class Options:
    """How a session is run: none of it enters the study. Without an ``address`` it has a Ray of its
    own.

    ``wait_for_nodes``: on a cluster that grows, wait for nodes that it doesn't have yet.
    """

    address: str | None = None
    data_dir: str | None = None
    keep_going: bool = False
    accept_loss: bool = False
    wait_for_nodes: bool = False
    watcher: Watcher = field(default_factory=Watcher)


def drive(
    paths: StudyPaths,
    options: Options,
    *,
    extended: StudySpec | None = None,
    retried: Sequence[int] | None = None,
    retries: bool = False,
) -> Ended:
    """Take a study up from its folder and drive it until it ends, is interrupted or meets a
    fault.
    """
    from study.results.parquet import (
        collect,
    )  # with pyarrow, which those who only look a study's name up do without

    lock, module_path = acquire_lock(paths.lock), [str(Path.cwd())]
    if lock.taken_from:
        options.watcher.say(
            f"taking the study over from {lock.taken_from}, which stops at its next record"
        )
    try:
        supersede(paths)
        extend(paths, extended)
        with (
            Connection(options.address, module_path) as connection,
            opened(paths, options, connection) as opening,
        ):
            spec, controller = opening
            reopened = _reopen_failed(controller, retried) if retries else 0
            if _study_is_over(controller):
                collect(paths, history=controller.history)
                return Ended(paths, controller.history, "complete", spec.resources.gpus)
            requests.discard_stops(paths)
            start_session(controller, paths)
            if reopened:
                options.watcher.say(f"{reopened} failed trials run again")
            caught = Signals(controller)
            caught.catch()
            options.watcher.begin(spec, controller)
            try:
                _execute_study(spec, controller, paths, options, connection, caught)
            finally:
                options.watcher.end()
                caught.release()
            return _close(controller, paths, options)
    except BrokenPipeError:
        raise  # whoever read our output has gone
    except OSError as error:
        where, why = error.filename or paths.folder, error.strerror or error
        raise OutsideFault(
            f"{where}: {why}; when that is mended: study resume {paths.name}"
        ) from error
    finally:
        lock.release()


def _close(controller: Controller, paths: StudyPaths, options: Options) -> Ended:
    """Journal the session's end and bring the tables up to it; what a fault ended is raised."""
    from study.results.parquet import collect

    reason = controller.stopping or "complete"
    controller.record(
        {"event": "closed", "session": len(controller.history.sessions), "reason": reason}
    )
    _write_provenance(controller, paths)
    if reason != "fault":
        collect(paths, history=controller.history)
    if reason == "halted":
        raise controller.halt()
    if reason == "fault":
        raise StorageFault(
            f"{paths.folder} can't be written; when it can: study resume {paths.name}"
        )
    return Ended(paths, controller.history, reason, controller.spec.resources.gpus)


def _reopen_failed(controller: Controller, numbers: Sequence[int] | None) -> int:
    """Journal that failed trials run again; how many."""
    trials = controller.history.trials
    failed = [trial for trial in trials if trial.state == "FAIL"]
    if numbers is not None:
        others = sorted(set(numbers) - {trial.number for trial in failed})
        if others:
            raise UserError(
                f"trial {others[0]} has not failed; failed trials:"
                f" {[trial.number for trial in failed]}"
            )
        failed = [trial for trial in failed if trial.number in numbers]
    for trial in failed:
        controller.record(
            {"event": "reopened", "point": trial.point, "trial": trial.number, "why": "retry"}
        )
    return len(failed)


@contextmanager
def opened(
    paths: StudyPaths, options: Options, connection: Connection
) -> Iterator[tuple[StudySpec, Controller]]:
    """The study's spec, and a controller that knows all that its journal holds."""
    journal = open_journal(paths)
    journal.on_wait = options.watcher.say
    if journal.cut:
        options.watcher.say(str(journal.cut))
    try:
        if not journal.events_read:
            create(journal, paths)
        history = History(journal.events_read)
        spec = current_spec(paths, history, options.watcher.say)
        if history.concurrency is None:
            spec = _resolve_on(connection, spec, journal, history)
        if not options.accept_loss:
            check_nothing_lost(paths, history, journal.size_bytes)
        controller = Controller(
            spec,
            journal.append,
            workers=history.concurrency or 1,
            nominal_cost=_nominal_cost,
            reproducible=bool(history.reproducible),
            keep_going=options.keep_going,
        )
        controller.replay(journal.events_read)
        yield spec, controller
    finally:
        journal.close()


def resolved(spec: StudySpec, rooms: Sequence[Room], where: str) -> StudySpec:
    """The spec with what depends on the machine written into it; UserError where no trial finds
    room there.
    """
    check_fits(spec, rooms, where)
    return spec if spec.concurrency else replace(spec, concurrency=slots(spec, rooms))


def _resolve_on(
    connection: Connection, spec: StudySpec, journal: Journal, history: History
) -> StudySpec:
    """Decide what depends on a cluster, once that has been reached."""
    spec = resolved(spec, connection.rooms(), f"the cluster at {connection.address}")
    event = {"event": "resolved", "concurrency": spec.concurrency, "time": round(time.time(), 3)}
    journal.append(event)
    journal.events_read.append(event)
    history.apply(event)
    return spec


def create(journal: Journal, paths: StudyPaths) -> None:
    """The journal's first records, from the study file that was put into the folder."""
    content, spec = paths.spec.read_bytes(), load_spec(paths.spec)
    paths.spec_version(1).write_whole(content)
    now = round(time.time(), 3)
    events: list[dict[str, Any]] = [
        {
            "event": "created",
            "study": spec.study,
            "format": FORMAT,
            "reproducible": spec.reproducible,
            "concurrency": spec.concurrency,
            "seeds": WHOLE,
            "time": now,
        },
        {"event": "spec", "version": 1, "hash": digest(content), "changes": [], "time": now},
        *({**event, "time": now} for event in warmed_events(spec, paths.storage)),
    ]
    journal.append(*events)
    journal.events_read.extend(events)


def start_session(controller: Controller, paths: StudyPaths) -> None:
    """Journal that this process drives the study from here on, then decide what the last one left
    undecided.
    """
    origin = {"pid": os.getpid(), "host": socket.gethostname(), "command": provenance.command()}
    session = len(controller.history.sessions) + 1
    controller.record(
        {"event": "opened", "session": session, **origin, "provenance": _gathered(controller)}
    )
    _write_provenance(controller, paths)
    controller.take_up()


def _gathered(controller: Controller) -> dict[str, Any]:
    """What is known of this session's code and machine, and how the sampler and the pruner are set
    up.
    """
    spec = controller.spec
    sampler = {
        "name": spec.sampler.name,
        "seed": spec.sampler.seed,
        **effective_options(spec.sampler),
    }
    return provenance.gather() | {
        "sampler": sampler,
        "pruner": {"name": spec.pruner.name, **spec.pruner.options},
    }


def _write_provenance(controller: Controller, paths: StudyPaths) -> None:
    document = provenance.document(controller.history)
    paths.provenance.write_whole(json.dumps(document, indent=2) + "\n")


def _study_is_over(controller: Controller) -> bool:
    """Whether the journal ends with a study that ran to its end and that asks for nothing more."""
    sessions = controller.history.sessions
    return (
        bool(sessions)
        and sessions[-1].reason in ("complete", "target")
        and controller.nothing_left()
    )


def _nominal_cost(recipe: Any) -> float:
    from study.training.cost import nominal_cost as cost

    return cost(recipe)


def _load_costs() -> None:
    """Have what counting needs, torch above all, while the first trials run; nothing waits for it
    before they end.
    """
    with suppress(Exception):  # counting itself says what is wrong
        import study.training.cost  # noqa: F401


def _execute_study(
    spec: StudySpec,
    controller: Controller,
    paths: StudyPaths,
    options: Options,
    connection: Connection,
    caught: Signals,
) -> None:
    """Let Ray run what the controller hands out."""
    from study.execution.tune_executor import Settings, execute, load

    house = Housekeeping(spec, controller, paths, options.watcher.say)

    def tick() -> None:
        options.watcher.tick()
        house.tick()

    if not controller.stopping and not controller.nothing_left():
        connection.connect(_cpus_for(spec), a_worker_each=spec.resources.cpus <= 1)
        load()  # while the workers do: before Ray is there it would only hold Ray up
        controller.think_ahead()
        caught.catch()
        if controller.goes_by_cost:
            threading.Thread(target=_load_costs, daemon=True).start()
        rooms = connection.rooms()
        if not options.wait_for_nodes:
            check_fits(
                spec,
                rooms,
                f"the cluster at {connection.address}" if connection.address else "this machine",
            )
        settings = Settings(
            paths=paths,
            resources=spec.resources,
            concurrency=_room_for(spec, rooms, options),
            heartbeat_s=spec.trial.heartbeat_s,
            trial_hours=spec.trial.hours,
            data_dir=str(storage_path(options.data_dir)) if options.data_dir else None,
            module_path=[str(Path.cwd())],
            best_by=spec.best_by if controller.history.whole_seeds else None,
            own_ray=not options.address,
        )
        execute(controller, settings, tick, options.watcher.say)
    house.close()


def _cpus_for(spec: StudySpec) -> int:
    """As many of this machine's CPUs as the study's trials will use."""
    return min(machine_cpus(), math.ceil((spec.concurrency or 1) * spec.resources.cpus))


def _room_for(spec: StudySpec, rooms: Sequence[Room], options: Options) -> int:
    """How many trials run at once: as many as the study says, as far as they find room."""
    wanted = spec.concurrency or 1
    return wanted if options.wait_for_nodes else min(wanted, slots(spec, rooms))


class Signals:
    """Ctrl-C and SIGTERM end a session cleanly; a second Ctrl-C ends it at once."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._before: dict[int, Any] = {}

    def catch(self) -> None:
        """Take the signals over; once more after Ray has started, which takes SIGTERM for
        itself.
        """
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                before = signal.signal(number, self._stop)
                self._before.setdefault(number, before)

    def _stop(self, number: int, frame: Any) -> None:
        if self._controller.stopping == "interrupted" and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._controller.stopping = "interrupted"

    def release(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
