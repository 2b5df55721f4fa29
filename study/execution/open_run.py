"""One run of a study that is open: its trials executed on Ray, its end recorded."""

from __future__ import annotations

import math
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from study.controller.controller import Controller
from study.errors import RayFault, StorageFault, StudyError, UserError
from study.execution import provenance
from study.execution.live_progress import LiveFile, LiveProgress
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.on_ray.temporary_folder import count_own_rays
from study.execution.on_ray.watching.ray_watch import RayLost
from study.execution.open_study import start_session
from study.execution.own_code.hashes import check_code_change
from study.execution.resources import (
    check_fits,
    code_names,
    data_place,
    machine_cpus,
    trial_capacity,
)
from study.execution.retention.housekeeping import Housekeeping
from study.execution.run import RESUMABLE, RunOptions, RunResult
from study.execution.user.notices.notices import Notices
from study.files.layout import StudyPaths
from study.files.lock import DriverLock
from study.journal.events import SessionClosed
from study.results.summary.making import summary_of
from study.results.summary.summary_file import write_summary
from study.spec.spec import StudySpec

if TYPE_CHECKING:
    from study.execution.on_ray.tune_bridge import ExecutorOptions

_RAYS_IN_VAIN = 2
"""How many Rays may be lost, one after the other, without an epoch being finished in between."""


class OpenRun:
    """A run, from the record that the study has a driver to that of its end."""

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
        self._signals = options.signals
        self._controller = controller
        self._spec = controller.spec
        self._connection = connection
        self._housekeeping = Housekeeping(controller, paths, self._display.say, lock.check_held)
        self._notices = Notices(controller, paths, self._display.say)
        self._live = LiveProgress()
        self._live_file = LiveFile(paths, self._live)

    def nothing_to_do(self) -> RunResult:
        """Bring what is derived of a complete study up to date, and remove what its last workers,
        or a storage that refused, have left of checkpoints.

        Tables that are there as a whole stay: to read them takes a twentieth of writing them.
        """
        from study.results.parquet import are_whole, write_tables  # with pyarrow

        self._follow_signals()
        self._signals.begin_closing()
        self._housekeeping.close()
        provenance.write(self._controller.history, self._paths)
        if not are_whole(self._paths):
            # of the journal as it is by now: on an object store somebody may have changed the study
            # since this run read it, and nothing is recorded here that the store would refuse
            write_tables(self._paths)
        self._write_summary()
        with self._notices:
            self._notices.tell_late()
        return self._result("complete")

    def to_its_end(self, reopened: int) -> RunResult:
        """Execute the study's trials until it ends; ``reopened`` of them had failed before.

        Whoever is to be told of its end is told.
        """
        with self._notices:
            try:
                result = self._execute_to_its_end(reopened)
            except (StudyError, OSError) as error:
                self._notices.tell_fault(str(error))
                raise
            self._notices.tell_end(result.reason)
        return result

    def _execute_to_its_end(self, reopened: int) -> RunResult:
        history, accepted = self._controller.history, self._options.accept_change
        changed = check_code_change(self._spec, history, accepted=accepted)
        if changed:
            self._display.say(f"warning: {changed}")
        start_session(self._controller, self._paths)
        if reopened:
            self._display.say(f"{reopened} failed trials run again")
        self._follow_signals()
        self._display.begin(self._spec, self._controller, self._live)
        try:
            self._execute()
        except RayFault:
            self._record_end("fault")
            raise
        finally:
            self._display.end()
            self._live_file.remove()
        self._signals.begin_closing()
        return self._close()

    def _follow_signals(self) -> None:
        self._signals.follow(self._controller, self._paths.name)

    def _execute(self) -> None:
        """Let Ray run the trials that the controller hands out, and those asked for meanwhile."""
        self._housekeeping.answer_requests()
        while self._has_work():
            self._start_ray()
            self._execute_trials()
            self._housekeeping.answer_requests()
        self._housekeeping.close()

    def _has_work(self) -> bool:
        return not self._controller.is_stopping() and not self._controller.is_nothing_left()

    def _execute_trials(self) -> None:
        """Have trials executed, by another Ray where one of the study's own is gone.

        Raises RayFault where that doesn't help.
        """
        from study.execution.on_ray import tune_executor

        losses_in_vain = 0
        while True:
            epochs = self._count_epochs()
            try:
                tune_executor.execute_trials(
                    self._controller,
                    self._executor_options(),
                    self._tick,
                    self._display.say,
                    self._live,
                )
                return
            except RayLost as lost:
                losses_in_vain = 1 if self._count_epochs() > epochs else losses_in_vain + 1
                if self._options.address or losses_in_vain > _RAYS_IN_VAIN:
                    raise
                self._display.say(f"{lost.reason}; the study goes on with another Ray")
                self._connection.restart()

    def _count_epochs(self) -> int:
        return sum(trial.epochs for trial in self._controller.history.trials)

    def _tick(self) -> None:
        self._display.tick()
        self._live_file.refresh()
        self._housekeeping.tick()
        self._notices.tick()

    def _start_ray(self) -> None:
        """Start Ray with as many of this machine's CPUs as the trials will use, or join it."""
        from study.execution.on_ray import tune_executor

        self._say_who_else_runs()
        self._wait_for("Ray to start" if not self._options.address else "the cluster to answer")
        wanted = math.ceil((self._spec.concurrency or 1) * self._spec.resources.most_cpus)
        self._connection.connect(
            cpus=min(machine_cpus(), wanted),
            # Ray starts a worker for each CPU: more than there are trials where one takes several
            a_worker_each=self._spec.resources.cpus <= 1,
        )
        # Tune loads while the workers do: before Ray is there it would only hold Ray up.
        tune_executor.load_tune()
        self._controller.think_ahead()
        self._signals.catch()  # again: a cluster's Ray has taken SIGTERM for itself
        self._wait_for("")
        self._load_costs_meanwhile()

    def _say_who_else_runs(self) -> None:
        """Say where other studies use this machine's processors, of which they know nothing."""
        others = count_own_rays() if not self._options.address else 0
        if others:
            noun = "another study runs" if others == 1 else f"{others} other studies run"
            self._display.say(
                f"{noun} on this machine: studies don't share its {machine_cpus()} CPUs, each takes"
                " what it asks for, and all become slower; --set concurrency=N leaves room"
            )

    def _wait_for(self, what: str) -> None:
        """Show what the whole study waits for; nothing where that is empty."""
        self._live.waiting_for = what
        self._display.tick()

    def _load_costs_meanwhile(self) -> None:
        """Load what counting costs needs while the first trials run: nothing waits for it before
        they end.
        """
        if self._controller.goes_by_cost and self._spec.train is None:
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
            heartbeat_s=spec.trial.silence_s,
            trial_hours=spec.trial.hours,
            data_dir=_data_dir(options),
            module_path=_module_folders(spec),
            best_by=spec.best_by if weights_by_best_epoch else None,
            objectives=spec.reported_objectives(),
            hang_without_heartbeat=spec.train is None or spec.trial.heartbeat_s is not None,
            asks_for_nodes=options.wait_for_nodes and bool(options.address),
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
        reason = self._end_reason()
        self._record_end(reason)
        if reason == "fault":
            raise StorageFault(
                f"{self._paths.folder} can't be written; when it can:"
                f" {self._paths.command('resume')}"
            )
        self._write_tables()
        if reason == "halted":
            raise controller.halt(self._paths)
        if reason == "mistake":
            resume = self._paths.command("resume")
            raise UserError(f"{controller.mistake}; once that is mended: {resume}")
        return self._result(reason)

    def _end_reason(self) -> str:
        """Say why the run ended: a study that has nothing left is complete, whoever asked it to
        stop with its last trial.
        """
        reason = self._controller.stopping
        if reason in RESUMABLE and self._controller.is_nothing_left():
            return "complete"
        return reason or "complete"

    def _record_end(self, reason: str) -> None:
        history = self._controller.history
        self._controller.record(SessionClosed(session=len(history.sessions), reason=reason))
        self._housekeeping.forget_stops()
        provenance.write(history, self._paths)
        self._write_summary()

    def _write_summary(self) -> None:
        history = self._controller.history
        write_summary(self._paths, history, summary_of(history, self._controller.spec))

    def _write_tables(self) -> None:
        from study.results.parquet import write_tables  # with pyarrow

        write_tables(self._paths, history=self._controller.history)

    def _result(self, reason: str) -> RunResult:
        return RunResult(self._paths, self._controller.history, reason, self._spec.resources.gpus)


def _data_dir(options: RunOptions) -> str | None:
    """Return where workers look for images; None where their own nodes say that.

    Those of this machine have folders of their own to work in, so that ``./data`` would be another.
    """
    if options.address and not options.data_dir:
        return None
    return str(data_place(options.data_dir))


def _module_folders(spec: StudySpec) -> list[str]:
    """Return the folders in which workers look, last of all, for the code that a study names.

    They are those in which this process would look, and the current one. For a study that names no
    code there are none: a file that happens to lie there has nothing to say in its trials.
    """
    return [*sys.path, str(Path.cwd())] if code_names(spec) else []


def _load_costs() -> None:
    with suppress(Exception):  # counting itself says what is wrong
        import study.training.cost  # noqa: F401
