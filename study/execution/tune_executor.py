"""Ray Tune as the executor: it places what the controller hands out and carries back what workers
say.

Tune keeps nothing that matters. Its trials are attempts, its own state lies in a folder that is
thrown away, and where it gives up (as it does when Ray's memory monitor kills a worker) it is
started again beside the same controller.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from study.controller.controller import Assignment, Controller, Done, Wait
from study.errors import OutsideFault, StudyError
from study.execution.ray_internals import (
    TUNE_LOGGERS,
    TUNE_SETTINGS,
    forget_results,
    pending_trial,
    silence,
    worker_of,
    workers_without_variables,
)
from study.execution.worker_loss import executor_loss, on_one_line, worker_loss
from study.files.layout import StudyPaths
from study.journal.failure import Failure
from study.spec.sections import Resources

_RESTARTS = 20
"""How often Tune is started anew, without a trial ending, before the fault counts as lasting."""
PAUSE_S = 5.0
"""A driver that has not looked around for so long has stood still itself."""
_PATIENCE_S = 30.0
"""How much longer than a trial's own heartbeat the driver waits before it kills a silent worker."""

Tick = Callable[[], None]
Say = Callable[[str], None]


class Over(Exception):
    """Ends Tune, which would otherwise write down the state of every trial there was, for nobody to
    read.
    """


@dataclass
class ExecutorOptions:
    """What every worker of a study is told beside its assignment."""

    paths: StudyPaths
    resources: Resources
    concurrency: int
    heartbeat_s: float
    trial_hours: float | None
    data_dir: str | None
    module_path: list[str] = field(default_factory=list)
    best_by: tuple[str, str] | None = None
    """Metric and direction of the epoch whose weights count; None where the last one's do."""
    own_ray: bool = False
    """Whether Ray was started for this study alone, so that its workers have the driver's
    environment.
    """


class Bridge:
    """Tune's callbacks, one level down: assignments out, messages in. Tune trials are known by
    their id.
    """

    def __init__(
        self, controller: Controller, settings: ExecutorOptions, tick: Tick, say: Say
    ) -> None:
        self.controller = controller
        self.settings = settings
        self.tick = tick
        self.say = say
        self._held: dict[str, Assignment] = {}
        self._heard: dict[str, float] = {}
        self._iterations: dict[str, int] = {}
        self._watched = time.monotonic()
        self._trials: dict[str, Any] = {}
        self._spent: list[Any] = []
        self._done = False
        self._quiet = False

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles what it is given so as to restore it, and we restore from the
        journal.
        """
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | type[Done] | None:
        with self.controller.together():
            assignment = self.controller.next()
        self._done = isinstance(assignment, Done)
        if isinstance(assignment, Done):
            return Done
        if isinstance(assignment, Wait):
            return None
        self._held[trial_id] = assignment
        self._quiet = False
        return self._config(assignment)

    def _config(self, assignment: Assignment) -> dict[str, Any]:
        settings, place = self.settings, (assignment.point, assignment.replicate)
        return {
            "assignment": json.dumps(
                vars(assignment)
            ),  # as text: Tune flattens, copies and keeps the rest
            "checkpoints": str(settings.paths.checkpoints(*place)),
            "stderr": str(settings.paths.stderr(*place, assignment.attempt)),
            "cpus": settings.resources.cpus,
            "gpus": settings.resources.gpus,
            "heartbeat_s": settings.heartbeat_s,
            "limit_s": settings.trial_hours * 3600 if settings.trial_hours else None,
            "data_dir": settings.data_dir,
            "path": settings.module_path,
            "best_by": settings.best_by,
        }

    def heard(self, trial: Any, result: dict[str, Any]) -> bool:
        """Pass a worker's messages on; whether its trial goes on."""
        held = self._held[trial.trial_id]
        self._quiet = False
        self._heard[trial.trial_id] = time.monotonic()
        self._trials[trial.trial_id] = trial
        iteration = result.get("training_iteration", 0)
        if iteration <= self._iterations.get(trial.trial_id, 0):
            return False  # Tune shows the last result once more at a trial's end
        self._iterations[trial.trial_id] = iteration
        with self.controller.together():
            for kind, content in result.get("messages", []):
                self._take(held, kind, content)
        goes_on = self.controller.holds(held.trial, held.attempt) and not self.controller.stopping
        return goes_on or self._is_hung(result)

    def _take(self, held: Assignment, kind: str, content: dict[str, Any]) -> None:
        """Pass on one message."""
        if kind == "reported":
            self.controller.reported(held.trial, held.attempt, content)
        elif kind == "placed":
            self.controller.placed(held.trial, held.attempt, content)
        elif kind == "finished":
            self.controller.finished(
                held.trial, held.attempt, content["stop_reason"], content["summary"]
            )
        elif kind == "waiting":
            self.say(content["message"])
        else:
            self.controller.failed(held.trial, held.attempt, Failure.from_record(content))

    @staticmethod
    def _is_hung(result: dict[str, Any]) -> bool:
        """A hung worker is let into its next step, in which it gives itself up."""
        return any(kind == "hung" for kind, _ in result.get("messages", []))

    def lost(self, trial: Any) -> None:
        """The worker is gone without a word of its own."""
        held = self._held[trial.trial_id]
        attempt = self.controller.history.trials[held.trial].attempt
        self.controller.failed(
            held.trial, held.attempt, worker_loss(trial, attempt, _node_is_alive)
        )

    def abandon(self, error: Exception) -> None:
        """Tune has given up: every attempt in flight is lost with it."""
        for held in self._held.values():
            attempt = self.controller.history.trials[held.trial].attempt
            self.controller.failed(held.trial, held.attempt, executor_loss(error, attempt))
        for known in (self._trials, self._heard, self._held, self._iterations):
            known.clear()

    def over(self, trial_id: str) -> None:
        if trial_id in self._trials:
            self._spent.append(self._trials[trial_id])
        for known in (self._trials, self._heard, self._held, self._iterations):
            known.pop(trial_id, None)

    def watch(self) -> None:
        """Called after each result, and ten times a second. Kills workers that have fallen silent;
        Over at the end.
        """
        now = time.monotonic()
        self.tick()
        while self._spent:
            forget_results(self._spent.pop())
        self._bear_with_a_pause(now)
        for trial_id, trial in list(self._trials.items()):
            silent_s = now - self._heard[trial_id]
            if silent_s > self.settings.heartbeat_s + _PATIENCE_S:
                held = self._held[trial_id]
                message = f"the worker has not answered for {silent_s:.0f} s and was killed"
                self.controller.failed(
                    held.trial,
                    held.attempt,
                    Failure("timeout", message),
                )
                self._trials.pop(trial_id)
                _kill_actor(trial)
        if self.controller.stopping or (self._done and not self._held):
            raise Over
        if self._quiet:  # nobody waits for an answer now
            self.controller.think_ahead()
        self._quiet = True

    def _bear_with_a_pause(self, now: float) -> None:
        """While the driver itself stood still, on a full disk say, nobody could be heard."""
        pause_s = now - self._watched
        if pause_s > PAUSE_S:
            for trial_id in self._heard:
                self._heard[trial_id] += pause_s
        self._watched = time.monotonic()


def _node_is_alive(node: str) -> bool:
    """Whether Ray still counts on the node with this id."""
    import ray

    return any(known["NodeID"] == node and known["Alive"] for known in ray.nodes())


def _kill_actor(trial: Any) -> None:
    import ray

    actor = worker_of(trial)
    if actor is not None:
        ray.kill(actor)


def load() -> None:
    """Import what ``execute`` needs of Tune, which takes a while: Ray can be started meanwhile."""
    os.environ.update(TUNE_SETTINGS)
    import study.execution.tune_worker  # noqa: F401


def execute(controller: Controller, settings: ExecutorOptions, tick: Tick, say: Say) -> None:
    """Run the controller's assignments until it has none left or stops; Ray must be running."""
    load()
    from ray import tune

    from study.execution.tune_worker import TrialWorker

    silence(TUNE_LOGGERS)
    wanted = settings.resources.by_name
    trainable = tune.with_resources(TrialWorker, tune.PlacementGroupFactory([wanted]))
    bridge = Bridge(controller, settings, tick, say)
    reason, in_vain = "", 0
    while in_vain < _RESTARTS:
        endings = len(controller.history.trial_endings)
        with tempfile.TemporaryDirectory(prefix="study-tune-") as folder:
            try:
                with workers_without_variables() if settings.own_ray else nullcontext():
                    _fit(trainable, bridge, folder)
            except Over:
                pass
            except StudyError:
                raise
            except Exception as error:
                reason = on_one_line(error)
                bridge.abandon(error)
        if controller.stopping or controller.nothing_left():
            return
        in_vain = 0 if len(controller.history.trial_endings) > endings else in_vain + 1
    raise OutsideFault(
        f"Ray Tune gave up {_RESTARTS} times, last with {reason}; resume the study when that is"
        " mended"
    )


def _fit(trainable: Any, bridge: Bridge, folder: str) -> None:
    from ray import tune
    from ray.tune.schedulers import FIFOScheduler, TrialScheduler
    from ray.tune.search import Searcher
    from ray.tune.stopper import Stopper

    class Search(Searcher):  # type: ignore[misc]
        """Asks the controller what to run."""

        def suggest(self, trial_id: str) -> Any:
            suggestion = bridge.suggest(trial_id)
            return Searcher.FINISHED if suggestion is Done else suggestion

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            bridge.over(trial_id)

        def set_search_properties(self, *args: Any, **spec: Any) -> bool:
            return True

        def save(self, checkpoint_path: str) -> None:
            pass

        def restore(self, checkpoint_path: str) -> None:
            pass

    class Scheduler(FIFOScheduler):  # type: ignore[misc]
        """Passes results on and stops what the controller stops."""

        def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
            goes_on: str = (
                TrialScheduler.CONTINUE if bridge.heard(trial, result) else TrialScheduler.STOP
            )
            return goes_on

        def on_trial_complete(
            self, tune_controller: Any, trial: Any, result: dict[str, Any]
        ) -> None:
            bridge.heard(trial, result)

        def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
            bridge.lost(trial)

        def choose_trial_to_run(self, tune_controller: Any) -> Any:
            return pending_trial(tune_controller)

    class Watch(Stopper):  # type: ignore[misc]
        """Lets the driver look around."""

        def __call__(self, trial_id: str, result: Any) -> bool:
            return False

        def stop_all(self) -> bool:
            bridge.watch()
            return False

    tuner = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(
            search_alg=Search(),
            scheduler=Scheduler(),
            num_samples=-1,
            max_concurrent_trials=bridge.settings.concurrency,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="study",
            storage_path=folder,
            verbose=0,
            stop=Watch(),
            checkpoint_config=tune.CheckpointConfig(
                checkpoint_frequency=0, checkpoint_at_end=False
            ),
            failure_config=tune.FailureConfig(max_failures=0),
        ),
    )
    tuner.fit()
