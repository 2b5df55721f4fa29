"""Drives a study: takes it up from its folder, has its trials executed, and records its end."""

from __future__ import annotations

import math
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from study.controller.controller import Controller
from study.errors import OutsideFault, StorageFault, UserError
from study.execution import provenance
from study.execution.housekeeping import Housekeeping
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study, start_session
from study.execution.resources import check_fits, machine_cpus, trial_capacity
from study.execution.run import RunOptions, RunResult
from study.files import requests
from study.files.layout import StudyPaths
from study.files.lock import DriverLock, acquire_lock
from study.files.storage_uri import storage_path
from study.journal.events import PointReopened, SessionClosed
from study.journal.spec_versions import extend, supersede_earlier_drivers
from study.spec.spec import StudySpec

if TYPE_CHECKING:
    from study.execution.on_ray.tune_bridge import ExecutorOptions


def drive(
    paths: StudyPaths,
    options: RunOptions,
    *,
    extension: StudySpec | None = None,
    retried: Sequence[int] = (),
    retry_all: bool = False,
) -> RunResult:
    """Drive a study from its folder until it ends, is interrupted or meets a fault.

    ``extension`` becomes the study's spec first. The failed trials ``retried``, by their numbers,
    or with ``retry_all`` all that failed, run again.

    Raises StudyLocked where another driver has the study, UserError for what can't be extended or
    retried or finds no room, and an OutsideFault for what ends the study beside its trials.
    """
    paths.check_plain()
    with _locked(paths, options) as lock, _system_errors_as_faults(paths):
        supersede_earlier_drivers(paths)
        extend(paths, extension, options.display.say)
        with (
            RayConnection(options.address, [str(Path.cwd())]) as connection,
            open_study(paths, options, connection, lock) as controller,
        ):
            reopened = 0
            if retried or retry_all:
                reopened = _reopen_failed(controller, None if retry_all else retried)
            run = _Run(paths, options, controller, connection, lock)
            if _is_complete(controller):
                return run.nothing_to_do()
            return run.to_its_end(reopened)


@contextmanager
def _locked(paths: StudyPaths, options: RunOptions) -> Iterator[DriverLock]:
    """Hold the study's lock for the length of the block."""
    lock = acquire_lock(paths.lock)
    if lock.taken_from:
        options.display.say(
            f"taking the study over from {lock.taken_from}, which stops at its next record"
        )
    try:
        yield lock
    finally:
        lock.release()


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
            f"{where}: {why}; when that is mended: study resume {paths.name}"
        ) from error


class _Run:
    """One run of a study that is open, from the record that it has a driver to that of its end."""

    def __init__(
        self,
        paths: StudyPaths,
        options: RunOptions,
        controller: Controller,
        connection: RayConnection,
        lock: DriverLock,
    ) -> None:
        self._paths = paths
        self._options = options
        self._display = options.display
        self._controller = controller
        self._spec = controller.spec
        self._connection = connection
        self._lock = lock

    def nothing_to_do(self) -> RunResult:
        """Bring the tables of a complete study up to date."""
        self._write_tables()
        return self._result("complete")

    def to_its_end(self, reopened: int) -> RunResult:
        """Execute the study's trials until it ends; ``reopened`` of them had failed before."""
        requests.discard_stops(self._paths)
        start_session(self._controller, self._paths)
        if reopened:
            self._display.say(f"{reopened} failed trials run again")
        with _StopOnSignals(self._controller) as signals:
            self._display.begin(self._spec, self._controller)
            try:
                self._execute(signals)
            finally:
                self._display.end()
        return self._close()

    def _execute(self, signals: _StopOnSignals) -> None:
        """Let Ray run the trials that the controller hands out."""
        housekeeping = Housekeeping(
            self._controller, self._paths, self._display.say, self._lock.check_held
        )

        def on_tick() -> None:
            self._display.tick()
            housekeeping.tick()

        if not self._controller.stopping and not self._controller.is_nothing_left():
            from study.execution.on_ray import tune_executor

            self._start_ray()
            # Tune loads while the workers do: before Ray is there it would only hold Ray up.
            tune_executor.load_tune()
            self._controller.think_ahead()
            signals.catch()  # again: Ray has taken SIGTERM for itself
            self._load_costs_meanwhile()
            tune_executor.execute_trials(
                self._controller, self._executor_options(), on_tick, self._display.say
            )
        housekeeping.close()

    def _start_ray(self) -> None:
        """Start Ray with as many of this machine's CPUs as the trials will use, or join it."""
        wanted = math.ceil((self._spec.concurrency or 1) * self._spec.resources.cpus)
        self._connection.connect(
            cpus=min(machine_cpus(), wanted),
            # Ray starts a worker for each CPU: more than there are trials where one takes several
            a_worker_each=self._spec.resources.cpus <= 1,
        )

    def _load_costs_meanwhile(self) -> None:
        """Load what counting costs needs while the first trials run: nothing waits for it before
        they end.
        """
        if self._controller.goes_by_cost:
            threading.Thread(target=_load_costs, daemon=True).start()

    def _executor_options(self) -> ExecutorOptions:
        """Say how trials run; UserError where Ray has no room for a single one."""
        from study.execution.on_ray.tune_bridge import ExecutorOptions

        spec, options = self._spec, self._options
        weights_by_best_epoch = self._controller.history.whole_seeds
        return ExecutorOptions(
            paths=self._paths,
            resources=spec.resources,
            concurrency=self._concurrency(),
            heartbeat_s=spec.trial.heartbeat_s,
            trial_hours=spec.trial.hours,
            data_dir=str(storage_path(options.data_dir)) if options.data_dir else None,
            module_path=[str(Path.cwd())],
            best_by=spec.best_by if weights_by_best_epoch else None,
            own_ray=not options.address,
        )

    def _concurrency(self) -> int:
        """How many trials run at once: as many as the study says, as far as they find room."""
        wanted = self._spec.concurrency or 1
        if self._options.wait_for_nodes:
            return wanted
        address = self._connection.address
        where = f"the cluster at {address}" if address else "this machine"
        nodes = self._connection.node_resources()
        check_fits(self._spec, nodes, where)
        return min(wanted, trial_capacity(self._spec, nodes))

    def _close(self) -> RunResult:
        """Record why the run ended and bring the tables up to it; raise the fault that ended it."""
        controller = self._controller
        reason = controller.stopping or "complete"
        controller.record(SessionClosed(session=len(controller.history.sessions), reason=reason))
        provenance.write(controller.history, self._paths)
        if reason == "fault":
            raise StorageFault(
                f"{self._paths.folder} can't be written; when it can:"
                f" study resume {self._paths.name}"
            )
        self._write_tables()
        if reason == "halted":
            raise controller.halt()
        return self._result(reason)

    def _write_tables(self) -> None:
        from study.results.parquet import write_tables  # with pyarrow

        write_tables(self._paths, history=self._controller.history)

    def _result(self, reason: str) -> RunResult:
        return RunResult(self._paths, self._controller.history, reason, self._spec.resources.gpus)


def _is_complete(controller: Controller) -> bool:
    """Whether the last run came to the study's end, and nothing has been asked for since."""
    sessions = controller.history.sessions
    if not sessions or sessions[-1].reason not in ("complete", "target"):
        return False
    return controller.is_nothing_left()


def _reopen_failed(controller: Controller, numbers: Sequence[int] | None) -> int:
    """Record that failed trials run again, all where ``numbers`` is None; return how many."""
    failed = [trial for trial in controller.history.trials if trial.state == "FAIL"]
    if numbers is not None:
        others = sorted(set(numbers) - {trial.number for trial in failed})
        if others:
            raise UserError(
                f"trial {others[0]} has not failed; failed trials:"
                f" {[trial.number for trial in failed]}"
            )
        failed = [trial for trial in failed if trial.number in numbers]
    for trial in failed:
        controller.record(PointReopened(point=trial.point, trial=trial.number, why="retry"))
    return len(failed)


def _load_costs() -> None:
    with suppress(Exception):  # counting itself says what is wrong
        import study.training.cost  # noqa: F401


class _StopOnSignals:
    """Has Ctrl-C and SIGTERM stop a study cleanly within the block; a second Ctrl-C ends it at
    once.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._former_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.catch()
        return self

    def catch(self) -> None:
        """Take the signals over, which only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            former = signal.signal(number, self._stop)
            self._former_handlers.setdefault(number, former)

    def _stop(self, number: int, frame: Any) -> None:
        if self._controller.stopping == "interrupted" and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._controller.stopping = "interrupted"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)
