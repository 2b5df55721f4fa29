"""What stands in Ray's and Tune's place below the project's own bridge: workers are started,
answers come back in some order, and both may be lost.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from typing import Any

from study.controller.controller import Controller
from study.controller.next_work import NothingLeft, WaitForTrials
from study.execution.on_ray import tune_executor
from study.execution.on_ray.ray_internals import PROCESS_DIED
from study.execution.on_ray.sharing.study_share import WholeCluster
from study.execution.on_ray.tune_bridge import Bridge, ExecutorOptions
from study.execution.on_ray.watching.ray_watch import LeaveRay
from study.execution.on_ray.worker_protocol import (
    Failed,
    Finished,
    SetAside,
    WorkerConfig,
    WorkerMessage,
)
from study.files.layout import StudyPaths

from ..seen import promise
from ..witness import Witness
from .faults import Faults
from .object_store import LATE_S
from .worker import Worker
from .world import Event, Host, Process, World

LOOK_S = 1.0
"""How often Tune looks around where no worker has anything to say."""
ORPHANS_LIVE_S = (30.0, 300.0)
KILL_COMES_LATE_S = 1000.0
IDLE_S = 10.0
"""So long a driver may have no worker at work before it gives one something to do."""


@dataclass(eq=False)
class TuneTrial:
    """A trial of Tune's, on its worker."""

    trial_id: str
    worker: Worker | None = None
    error: str = ""
    """What Tune writes into the trial's error file."""
    is_over: bool = False
    iterations: int = 0


@dataclass
class Inbox:
    """What workers have said and Tune has not heard yet."""

    came: Event
    results: list[tuple[TuneTrial, list[WorkerMessage]]] = field(default_factory=list)
    losses: list[TuneTrial] = field(default_factory=list)


class RayLook:
    """Stands in the place of the watch over Ray."""

    def __init__(self, world: World, faults: Faults) -> None:
        self.reason = ""
        self._world = world
        self._faults = faults

    def check(self) -> None:
        if self._faults.happens(self._faults.ray_loss):
            self._world.count("Ray lost")
            self.reason = "Ray's process raylet has ended"
        if self.reason:
            raise LeaveRay


class SimulatedShare(WholeCluster):
    """A share of a cluster that others want some of now and then."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults

    def makes_way(self, node: str) -> bool:
        if not self._faults.happens(self._faults.making_way):
            return False
        self._world.count("trial makes way")
        return True


class SimulatedTune:
    """Executes the assignments of one world's drivers."""

    def __init__(
        self, world: World, faults: Faults, witness: Witness, *, step: float, pace_s: float
    ) -> None:
        self.faults = faults
        self._world = world
        self._witness = witness
        self._step = step
        self._pace_s = pace_s
        self._ids = itertools.count()
        self._nodes = [Host(f"node{number}") for number in range(2)]
        self._workers: list[Worker] = []

    # --- in the place of study.execution.on_ray ---

    def execute_trials(
        self, controller: Controller, options: ExecutorOptions, *listeners: Any
    ) -> None:
        share = SimulatedShare(self._world, self.faults)
        bridge = Bridge(controller, options, *listeners, share=share)
        bridge.watch = RayLook(self._world, self.faults)  # type: ignore[assignment]
        try:
            tune_executor._keep_tune_running(None, bridge, controller)
        except LeaveRay:
            assert bridge.watch is not None
            raise bridge.on_ray_lost(bridge.watch.reason) from None

    def run_tune(self, trainable: None, bridge: Bridge, folder: str) -> None:
        """Run trials until the bridge ends it, as ``Tuner.fit`` does."""
        inbox = Inbox(Event(self._world))
        live: list[TuneTrial] = []
        try:
            is_all_handed_out = False
            at_work = self._world.now
            while live or not is_all_handed_out:
                if not is_all_handed_out:
                    is_all_handed_out = self._hire(bridge, inbox, live)
                at_work = self._world.now if live or is_all_handed_out else at_work
                promise(
                    self._world.now - at_work < IDLE_S,
                    f"nobody has anything to do for {IDLE_S} s, and the study isn't over",
                )
                self._hear_one(bridge, inbox, live)
                bridge.look_around()
                if self.faults.happens(self.faults.tune_failure):
                    self._world.count("Tune gives up")
                    raise RuntimeError("Tune gives up")
                if not inbox.results and not inbox.losses:
                    inbox.came.clear()
                    inbox.came.wait(LOOK_S)
        finally:
            if self._world.process.is_alive:  # one that was killed ends nobody
                for trial in live:
                    if trial.worker is not None:
                        trial.worker.stop()

    def _hire(self, bridge: Bridge, inbox: Inbox, live: list[TuneTrial]) -> bool:
        """Start workers as long as there is room; return whether nothing is left to start."""
        while len(live) < bridge.options.concurrency:
            trial = TuneTrial(f"tune{next(self._ids)}")
            config = bridge.next_config(trial.trial_id)
            if isinstance(config, NothingLeft):
                return True
            if isinstance(config, WaitForTrials):
                return False
            self._start_worker(trial, config, bridge.options.paths, inbox)
            live.append(trial)
        return False

    def _start_worker(
        self, trial: TuneTrial, config: WorkerConfig, paths: StudyPaths, inbox: Inbox
    ) -> None:
        def say(messages: list[WorkerMessage]) -> None:
            inbox.results.append((trial, messages))
            inbox.came.set()

        world = self._world
        host = self.faults.chance.choice([world.process.host, *self._nodes])
        assignment = json.loads(config["assignment"])
        checkpoints = paths.checkpoints(assignment["point"], assignment["replicate"])
        worker = Worker(
            world,
            self.faults,
            assignment,
            checkpoints,
            say,
            self._witness,
            step=self._step,
            pace_s=self._pace_s,
        )
        self._witness.check_assignment(assignment)
        trial.worker = worker
        self._workers.append(worker)
        name = f"worker of trial {assignment['trial']}, attempt {assignment['attempt']}"
        worker.process = world.start(name, host, worker.run)

        def lost() -> None:
            inbox.losses.append(trial)
            inbox.came.set()

        worker.process.at_death.append(lost)
        worker.on_cut_off = lost
        self._outlive(world.process, worker.process)

    def trials_written_beside(self, began: float) -> set[int]:
        """The trials that a worker may have saved something of, which lived when a driver began."""
        return {
            worker.assignment["trial"]
            for worker in self._workers
            if worker.began < began <= worker.ended + LATE_S[1]
        }

    def _outlive(self, driver: Process, worker: Process) -> None:
        """Have a worker live on beside its driver's successor for a while, or not."""

        def end() -> None:
            if not worker.is_alive:
                return
            if self.faults.happens(self.faults.orphans):
                self._world.count("orphan")
                chance = self.faults.chance
                wait = chance.uniform(0, chance.choice(ORPHANS_LIVE_S))
                self._world.start("reaper", worker.host, lambda: self._reap(worker, wait))
            else:
                self._world.kill(worker, "worker ended with its driver")

        driver.at_death.append(end)

    def _reap(self, worker: Process, wait: float) -> None:
        self._world.sleep(wait)
        self._world.kill(worker, "orphan ended")

    def _hear_one(self, bridge: Bridge, inbox: Inbox, live: list[TuneTrial]) -> None:
        """Pass on one result, or one worker's loss."""
        if inbox.results:
            # those of one worker come in their order, those of several as it happens
            one = self._world.chance.choice(inbox.results)[0]
            place = next(n for n, (trial, _) in enumerate(inbox.results) if trial is one)
            trial, messages = inbox.results.pop(place)
            if trial in live:
                self._pass_on(bridge, trial, messages, live)
        elif inbox.losses:
            trial = inbox.losses.pop(0)
            if trial in live:
                live.remove(trial)
                trial.error = PROCESS_DIED
                bridge.on_worker_lost(trial)
                bridge.on_trial_end(trial.trial_id)

    def _pass_on(
        self,
        bridge: Bridge,
        trial: TuneTrial,
        messages: list[WorkerMessage],
        live: list[TuneTrial],
    ) -> None:
        worker = trial.worker
        assert worker is not None
        trial.iterations += 1
        result: dict[str, Any] = {
            "messages": messages,
            "training_iteration": trial.iterations,
        }
        goes_on = bridge.on_result(trial, result)
        if self.faults.happens(self.faults.doubled):
            self._world.count("doubled message")
            bridge.on_result(trial, result)
            trial.iterations += 1
            goes_on = bridge.on_result(trial, {**result, "training_iteration": trial.iterations})
        is_done = any(isinstance(message, Finished | Failed | SetAside) for message in messages)
        if goes_on and not is_done:
            worker.answer(messages)
            return
        if not is_done:
            self._witness.check_stopped(
                worker.assignment, is_stopping=bool(bridge._controller.stopping)
            )
        live.remove(trial)
        worker.stop()
        bridge.on_trial_end(trial.trial_id)

    # --- what else of Ray the driver asks ---

    def kill_worker(self, trial: TuneTrial) -> None:
        if trial.worker is None or trial.worker.process is None:
            return
        worker = trial.worker.process
        if self.faults.happens(self.faults.unreachable):
            self._world.count("silent worker can't be reached")
            wait = self.faults.chance.uniform(0, KILL_COMES_LATE_S)
            self._world.start("killer", worker.host, lambda: self._reap(worker, wait))
        else:
            self._world.kill(worker, "silent worker killed")

    def ask_to_set_aside(self, trial: TuneTrial) -> None:
        if trial.worker is not None:
            trial.worker.is_set_aside = True

    def error_text(self, trial: TuneTrial) -> str:
        return trial.error

    def is_node_alive(self, node: str) -> bool:
        return True
