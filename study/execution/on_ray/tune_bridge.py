"""Connects Ray Tune's callbacks with the controller: assignments one way, messages the other."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from study.controller.controller import Controller
from study.controller.next_work import Assignment, NothingLeft, WaitForTrials
from study.errors import RayFault
from study.execution.live_progress import LiveProgress
from study.execution.on_ray.ray_internals import ask_to_set_aside, forget_results, kill_worker
from study.execution.on_ray.ray_runtime import is_node_alive, node_resources
from study.execution.on_ray.running_trial import RunningTrial
from study.execution.on_ray.sharing.study_share import Need, WholeCluster
from study.execution.on_ray.watching.gpu_watch import GpuWatch
from study.execution.on_ray.watching.handover import Handover
from study.execution.on_ray.watching.leaving_nodes import LeavingNodes
from study.execution.on_ray.watching.ray_watch import RayLost, RayWatch
from study.execution.on_ray.worker_loss import executor_loss, is_setup_failure, worker_loss
from study.execution.on_ray.worker_place import with_labels
from study.execution.on_ray.worker_protocol import (
    Broken,
    Failed,
    Finished,
    Hung,
    Placed,
    Repeated,
    Reported,
    SetAside,
    Waiting,
    WorkerConfig,
    WorkerMessage,
)
from study.execution.resources import worker_capacity
from study.files.layout import StudyPaths
from study.journal.events import SetAsideReason
from study.journal.failure import Failure
from study.spec.sections import Resources
from study.training.recipe.metric_catalog import Direction

_PAUSE_S = 5.0
"""A driver that has not looked around for so long has stood still itself."""
_PATIENCE_S = 30.0
"""How much longer than a trial's own heartbeat the driver waits before it kills a silent worker."""
_START_S = 300.0
"""How much longer than a heartbeat a worker may take to take its trial up, on a Ray of the study's
own: its last training has a heartbeat to end.
"""
_WAIT_S = 30.0
"""How long a trial waits for a worker of a cluster before the user is told."""
_DOUBT_S = 60.0
"""How long Ray has to notice that a node is gone, before it counts as there."""
_IDLE_S = 10.0
"""How long a worker is kept without a trial, where its node could go."""
_POLLS_A_SECOND = 10
"""So often workers that have nothing to say are asked again, all together."""
_LONGEST_POLL_S = 20.0
"""How long a worker keeps silent at most: the driver kills it a while after its heartbeat's end."""
_SETUP_FAILURES = 3
"""So many workers in a row that could not be set up are a fault of the machine."""


@dataclass
class ExecutorOptions:
    """How a study's trials are executed."""

    paths: StudyPaths
    resources: Resources
    concurrency: int
    heartbeat_s: float
    trial_hours: float | None
    data_dir: str | None
    module_path: list[str] = field(default_factory=list)
    best_by: tuple[str, Direction] | None = None
    """Metric and direction of the epoch whose weights count; None where the last one's do."""
    objectives: tuple[str, ...] = ()
    """The metrics that each report of a training function must name."""
    hang_without_heartbeat: bool = True
    """Whether silence counts before a training function has called its session's heartbeat."""
    asks_for_nodes: bool = False
    """Whether the cluster is to grow for the study's sake, and let go of what it has no use for."""
    own_ray: bool = False
    """Whether Ray was started for this study alone, so that its workers have the driver's
    environment.
    """
    run: str = field(default_factory=lambda: uuid.uuid4().hex)
    """Names this run of the study, whose trials share what own data sets' factories return."""


class StudyEnded(Exception):
    """Leaves Tune's loop: Tune's own end would write the state of every trial, for no reader."""


class WorkersMissing(Exception):
    """No worker has taken up a trial that was handed out, though Ray has room for it."""


class Bridge:
    """Connects Tune's callbacks with the controller; Tune's trials are known by their ids."""

    def __init__(
        self,
        controller: Controller,
        options: ExecutorOptions,
        on_tick: Callable[[], None],
        say: Callable[[str], None],
        live: LiveProgress | None = None,
        share: WholeCluster | None = None,
        leaving: LeavingNodes | None = None,
    ) -> None:
        self.options = options
        self._share = share or WholeCluster()
        self._handover = Handover(controller, leaving or LeavingNodes(), say)
        self._live = live or LiveProgress()
        self._controller = controller
        self._on_tick = on_tick
        self._say = say
        self._running: dict[str, RunningTrial] = {}
        self._ended_tune_trials: list[Any] = []
        self._last_look = time.monotonic()
        self._changed_at = time.monotonic()
        """When an attempt began, or ended, last."""
        self._is_all_handed_out = False
        self._is_quiet = False
        """Whether nothing has happened since the last look."""
        self._workers_at_work = 0
        """How many processes the running trials have together."""
        self._silence_due = float("-inf")
        """Before this moment no worker can have been silent for too long."""
        self._missing_due = float("-inf")
        """Before this moment no trial can have waited for its worker for too long."""
        self._is_gpu_held = False
        """Whether a trial may hold a GPU that is out of order."""
        self._next_told_s = _WAIT_S
        """After how many seconds of waiting on a cluster the user is told of it next."""
        self._setup_failures = 0
        self._gpu_watch = GpuWatch(options.paths.command("resume"), say)
        self._fault: RayFault | None = None
        """Ends the study at the next look: Tune would swallow it where it is found."""
        self._doubtful = (float("-inf"), 0)
        """Until when a node may be gone though Ray counts as many as there are here."""
        self.workers_placed = 0
        """How often a worker has taken up a trial."""
        self.watch: RayWatch | None = None
        """Notices that Ray is gone."""

    def __getstate__(self) -> dict[str, Any]:
        """Keep nothing: Tune pickles this so as to restore a study, which our journal does."""
        return {}

    def next_config(self, trial_id: str) -> WorkerConfig | WaitForTrials | NothingLeft:
        """Start the controller's next attempt as Tune's trial ``trial_id``, where there is one and
        the study's share has room for it.
        """
        if self._is_without_room():
            if not self._running:
                self._live.waiting_for = "room on the cluster, which other studies hold"
                self.look_around()  # Tune asks again and again then, and does nothing else
            return WaitForTrials()
        if self._is_in_doubt():
            if not self._running:
                self._live.waiting_for = "Ray to say which nodes are left"
                self.look_around()
            return WaitForTrials()
        self._live.waiting_for = ""
        with self._controller.together():
            assignment = self._controller.next()
        self._is_all_handed_out = isinstance(assignment, NothingLeft)
        if isinstance(assignment, NothingLeft | WaitForTrials):
            return assignment
        workers = self._workers_of_next()
        now = time.monotonic()
        self._changed_at = now
        self._running[trial_id] = RunningTrial(assignment, workers, last_heard=now, began=now)
        self._workers_at_work += workers
        self._share.note_change()
        self._is_quiet = False
        return self._config(assignment, workers)

    def _is_without_room(self) -> bool:
        """Whether an attempt could start, if others had left room for it on the cluster."""
        if self._controller.stopping or self._share.may_start(self._in_flight_with_next()):
            return False
        return bool(self._running) or self._controller.count_startable() > 0

    @property
    def gives_back(self) -> bool:
        """Whether workers without a trial are to be ended: others wait for their room, or nobody
        does and their nodes may go.
        """
        is_quiet = time.monotonic() - self._changed_at > _IDLE_S
        return self._share.gives_back or (self.options.asks_for_nodes and is_quiet)

    def leaves_workers(self) -> bool:
        """Whether workers without a trial are to be ended before one gets another trial, for they
        may be on a node that leaves; asked once for each time.
        """
        return self._handover.leaves_workers()

    def _note_loss(self, failure: Failure) -> None:
        """Take notice that a node may be gone, which Ray knows later."""
        if failure.details.get("node_alive") is False and self.options.resources.workers.may_differ:
            self._doubtful = (time.monotonic() + _DOUBT_S, len(node_resources()))

    def _is_in_doubt(self) -> bool:
        """Whether it isn't known yet which nodes an attempt may count on."""
        until, nodes = self._doubtful
        return time.monotonic() < until and len(node_resources()) >= nodes

    def _in_flight_with_next(self) -> int:
        """Count the workers at work, and those of another attempt but for one."""
        at_work = self._count_workers()
        return at_work + self.options.resources.workers.least - 1 if at_work else 0

    def _count_workers(self) -> int:
        return self._workers_at_work

    def _workers_of_next(self) -> int:
        """Return how many workers the next attempt has: where it may have fewer, as many as find
        room beside those at work.
        """
        wanted = self.options.resources.workers
        if not wanted.may_differ:
            return wanted.most
        staying = node_resources(but=self._handover.nodes)
        room = worker_capacity(self.options.resources.by_name, staying)
        return max(wanted.least, min(wanted.most, room - self._count_workers()))

    def _config(self, assignment: Assignment, workers: int) -> WorkerConfig:
        options = self.options
        trial = (assignment.point, assignment.replicate)
        return {
            "assignment": json.dumps(vars(assignment)),
            "checkpoints": str(options.paths.checkpoints(*trial)),
            "stderr": str(options.paths.stderr(*trial, assignment.attempt)),
            "output": str(options.paths.output(*trial, assignment.attempt)),
            "kept": str(options.paths.kept(*trial)),
            "cpus": options.resources.cpus,
            "gpus": options.resources.gpus,
            "resources": options.resources.by_name,
            "workers": workers,
            "heartbeat_s": options.heartbeat_s,
            "hang_without_heartbeat": options.hang_without_heartbeat,
            "limit_s": options.trial_hours * 3600 if options.trial_hours else None,
            "data_dir": options.data_dir,
            "run": options.run,
            "path": options.module_path,
            "best_by": options.best_by,
            "objectives": list(options.objectives),
            "poll_s": min(_LONGEST_POLL_S, options.concurrency / _POLLS_A_SECOND),
        }

    def on_result(self, tune_trial: Any, result: dict[str, Any]) -> bool:
        """Pass on the messages of a worker's answer; return whether its trial goes on."""
        running = self._running[tune_trial.trial_id]
        running.tune_trial = tune_trial
        running.last_heard = time.monotonic()
        self._is_quiet = False
        iteration = result.get("training_iteration", 0)
        if iteration <= running.last_iteration:
            return False  # Tune shows the last result once more at a trial's end
        running.last_iteration = iteration
        running.held_s = result.get("held_s", 0.0)
        messages: list[WorkerMessage] = result.get("messages", [])
        with self._controller.together():
            for message in messages:
                self._deliver(running, message)
        if "progress" in result:
            self._live.note(running.assignment.trial, result["progress"])
        # a worker that hangs is let into its next step, in which it gives itself up
        goes_on = running.is_spent or self._is_wanted(running.assignment)
        why = self._makes_way(running, messages[-1]) if goes_on and messages else None
        if why:
            running.makes_way = why
            ask_to_set_aside(tune_trial)
        return goes_on

    def _makes_way(self, running: RunningTrial, latest: WorkerMessage) -> SetAsideReason | None:
        """Say why an attempt that waits for an answer is to be set aside, None where it is not;
        never one without a state to go on from, nor one whose training is over.
        """
        if not isinstance(latest, Reported) or not latest.awaits_answer or not latest.has_state:
            return None
        assignment = running.assignment
        if latest.row["epoch"] in (assignment.epochs, assignment.until):  # its worker ends it
            return None
        node = self._node_of(running)
        if self._handover.is_leaving(node):
            return "node-leaving"
        return "share" if self._share.makes_way(node) else None

    def _node_of(self, running: RunningTrial) -> str:
        """Return the id of the node that an attempt runs on; empty while it waits for one."""
        return self._controller.history.trials[running.assignment.trial].attempt.node

    def _deliver(self, running: RunningTrial, message: WorkerMessage) -> None:
        assignment = running.assignment
        controller, attempt = self._controller, (assignment.trial, assignment.attempt)
        match message:
            case Placed(place):
                self.workers_placed += 1
                self._setup_failures = 0
                self._share.note_change()
                place = with_labels(place, controller.history.tariff)
                controller.placed(*attempt, {**place, "held_s": round(running.held_s, 3)})
            case Reported(row):
                running.has_state = message.has_state
                controller.reported(*attempt, row)
                placed = controller.history.trials[assignment.trial].attempt
                self._gpu_watch.note_epoch(placed.node, placed.gpu)
            case Repeated(row):
                controller.repeated(*attempt, row)
            case SetAside(epoch):
                controller.set_aside(*attempt, epoch, running.makes_way or "share")
            case Finished(stop_reason, summary):
                controller.finished(*attempt, stop_reason, summary)
            case Failed(failure) | Hung(failure):
                controller.failed(*attempt, failure)
                running.is_spent = isinstance(message, Hung)
            case Broken(failure):
                self._lose(running, failure)
                running.is_spent = True
                running.holds_gpu = self._gpu_watch.is_out_of_order(message, running.began)
                self._is_gpu_held |= running.holds_gpu
                if not running.holds_gpu:
                    kill_worker(running.tune_trial)
            case Waiting(text) if self._is_wanted(assignment):  # else its files may be gone
                self._live.pause(assignment.trial, text)
                self._say(text)

    def _is_wanted(self, assignment: Assignment) -> bool:
        if self._controller.stopping:
            return False
        return self._controller.is_wanted(assignment.trial, assignment.attempt)

    def on_worker_lost(self, tune_trial: Any) -> None:
        """Record what a worker was lost to that ended without a message."""
        running = self._running[tune_trial.trial_id]
        attempt = self._controller.history.trials[running.assignment.trial].attempt
        failure = worker_loss(tune_trial, attempt, is_node_alive)
        self._lose(running, failure)
        if is_setup_failure(tune_trial):
            self._setup_failures += 1
        if self._setup_failures >= _SETUP_FAILURES:
            self._fault = RayFault(
                f"{_SETUP_FAILURES} workers in a row could not be set up: {failure.message}; when"
                f" that is mended: {self.options.paths.command('resume')}"
            )

    def _lose(self, running: RunningTrial, failure: Failure) -> None:
        """Record that an attempt has failed, unless it was lost with a node that was told to go."""
        self._note_loss(failure)
        if not self._handover.takes(running, failure):
            assignment = running.assignment
            self._controller.failed(assignment.trial, assignment.attempt, failure)

    def on_ray_lost(self, reason: str) -> RayLost:
        """Record that every running attempt is lost with Ray; return that as an error."""
        for running in self._running.values():
            assignment = running.assignment
            failure = Failure("node", f"lost with its Ray: {reason}", {"node_alive": False})
            self._controller.failed(assignment.trial, assignment.attempt, failure)
        self._running.clear()
        self._workers_at_work = 0
        return RayLost(self.options.paths.command("resume"), reason)

    def on_tune_lost(self, error: Exception) -> None:
        """Record that every running attempt is lost with Tune, which has given up."""
        for running in self._running.values():
            assignment = running.assignment
            attempt = self._controller.history.trials[assignment.trial].attempt
            failure = executor_loss(error, attempt)
            self._controller.failed(assignment.trial, assignment.attempt, failure)
        self._running.clear()
        self._workers_at_work = 0

    def on_trial_end(self, trial_id: str) -> None:
        """Forget a trial that Tune has ended."""
        running = self._running.pop(trial_id, None)
        self._changed_at = time.monotonic()
        self._share.note_change()
        if running:
            self._workers_at_work -= running.workers
            self._live.forget(running.assignment.trial)
            self._handover.note_end(self._node_of(running))
        if running and running.tune_trial is not None:
            self._ended_tune_trials.append(running.tune_trial)

    def look_around(self) -> None:
        """Do what is due, after each result and ten times a second.

        Raises StudyEnded once the study stops or has nothing left to run, LeaveRay where Ray is
        gone, and RayFault where no worker can be set up.
        """
        now = time.monotonic()
        if self.watch:
            self.watch.check()
        if self._fault:
            raise self._fault
        self._on_tick()
        self._tell_share()
        while self._ended_tune_trials:
            forget_results(self._ended_tune_trials.pop())
        self._discount_own_pause(now)
        self._handover.look(self._running.values())
        self._kill_silent_workers(now)
        self._miss_workers(now)
        self._watch_gpus()
        if self._controller.stopping or (self._is_all_handed_out and not self._is_any_at_work()):
            raise StudyEnded
        if self._is_quiet:  # nobody waits for an answer now
            self._controller.think_ahead()
        self._is_quiet = True

    def _watch_gpus(self) -> None:
        """Look whether all workers do nothing but hold GPUs that are out of order."""
        is_any_at_work = True
        if self._is_gpu_held:
            at_work = [running for running in self._running.values() if not running.holds_gpu]
            self._is_gpu_held = len(at_work) < len(self._running)
            is_any_at_work = any(running.last_iteration for running in at_work)
        self._gpu_watch.check(is_any_held=self._is_gpu_held, is_any_at_work=is_any_at_work)

    def _is_any_at_work(self) -> bool:
        return any(not running.holds_gpu for running in self._running.values())

    def _tell_share(self) -> None:
        """Tell the cluster's broker where the study stands, where that is due."""
        if not self._share.is_due():
            return
        staying = [running for running in self._running.values() if not running.makes_way]
        held = Counter[str]()
        for running in staying:
            held[self._node_of(running)] += running.workers
        held.pop("", None)
        startable = len(staying) + self._controller.count_startable()
        wanted = min(self.options.concurrency, startable) * self.options.resources.workers.most
        asks = wanted if self.options.asks_for_nodes else 0
        self._share.tell(Need(self._controller.spec.share, held, wanted, asks))
        self._live.share = self._share.seen

    def _discount_own_pause(self, now: float) -> None:
        """Don't count time as silence in which the driver itself stood still, as on a full disk."""
        pause_s = now - self._last_look
        if pause_s > _PAUSE_S:
            for running in self._running.values():
                running.last_heard += pause_s
        self._last_look = time.monotonic()

    def _miss_workers(self, now: float) -> None:
        """Raise WorkersMissing where a trial waits for its worker, though a Ray of the study's own
        has room for it; on a cluster, say that it waits.
        """
        if now < self._missing_due:
            return
        waiting = [running for running in self._running.values() if running.last_iteration == 0]
        longest_s = max((now - running.last_heard for running in waiting), default=0.0)
        limit_s = self.options.heartbeat_s + _START_S if self.options.own_ray else _WAIT_S
        self._missing_due = now + limit_s - longest_s
        if not self.options.own_ray:  # where a trial may wait for room as long as it likes
            self._tell_of_waiting(longest_s)
        elif longest_s > limit_s:
            raise WorkersMissing(f"no worker has taken up a trial for {limit_s:.0f} s")

    def _tell_of_waiting(self, waited_s: float) -> None:
        """Say that trials wait for a worker on a cluster, ever more seldom while that lasts."""
        if waited_s < _WAIT_S:
            self._next_told_s = _WAIT_S
        elif waited_s >= self._next_told_s:
            self._next_told_s = 2 * waited_s
            wanted = ", ".join(
                f"{amount:g} {name}" for name, amount in self.options.resources.by_name.items()
            )
            workers = self.options.resources.workers.least
            times = f"{workers} times " if workers > 1 else ""
            self._say(
                f"no worker of the cluster has taken up a trial for {waited_s:.0f} s; a trial asks"
                f" for {times}{wanted}"
            )

    def _kill_silent_workers(self, now: float) -> None:
        """Kill workers that were silent for too long; all are looked through only where, since the
        last time, one may have come to that.
        """
        if now <= self._silence_due:
            return
        limit_s = self.options.heartbeat_s + _PATIENCE_S
        self._silence_due = now + limit_s
        for running in self._running.values():
            silent_s = now - running.last_heard
            if running.tune_trial is None:
                continue
            if silent_s <= limit_s:
                self._silence_due = min(self._silence_due, running.last_heard + limit_s)
                continue
            message = f"the worker has not answered for {silent_s:.0f} s and was killed"
            assignment = running.assignment
            self._controller.failed(
                assignment.trial, assignment.attempt, Failure("timeout", message)
            )
            kill_worker(running.tune_trial)
            running.tune_trial = None
