"""Has Ray Tune execute trials: hands out the controller's assignments, passes workers' messages on.

Tune keeps nothing that matters. Its trials are attempts, its own state lies in a folder that is
thrown away, and where it gives up (as it does when Ray's memory monitor kills a worker) it is
started again beside the same controller.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from typing import Any

from study.controller.controller import Controller
from study.controller.next_work import NothingLeft, WaitForTrials
from study.errors import RayFault, StudyError
from study.execution.live_progress import LiveProgress
from study.execution.on_ray.ray_internals import (
    TUNE_LOGGERS,
    TUNE_SETTINGS,
    draining_nodes,
    end_idle_workers,
    nodes_gone_as_told,
    own_ray_processes,
    silence,
    tune_with_less_to_do,
    tune_without_state,
    workers_without_variables,
)
from study.execution.on_ray.ray_runtime import cluster_fault
from study.execution.on_ray.sharing.study_share import StudyShare, WholeCluster
from study.execution.on_ray.temporary_folder import TemporaryFolder
from study.execution.on_ray.tune_bridge import Bridge, ExecutorOptions, StudyEnded
from study.execution.on_ray.watching.leaving_nodes import LeavingNodes
from study.execution.on_ray.watching.ray_watch import LeaveRay, RayWatch, own_ray_fault
from study.execution.on_ray.worker_loss import on_one_line
from study.execution.on_ray.worker_protocol import open_config, seal_config
from study.journal.events import SessionClosed

_FAILED_STARTS = 5
"""How often Tune is started anew, without a worker taking up a trial, before the fault counts as
lasting. It is less than the attempts that a trial may lose with its workers.
"""


def load_tune() -> None:
    """Import what ``execute_trials`` needs of Tune, which takes a while: Ray starts meanwhile."""
    os.environ.update(TUNE_SETTINGS)
    import study.execution.on_ray.tune_worker  # noqa: F401


def execute_trials(
    controller: Controller,
    options: ExecutorOptions,
    on_tick: Callable[[], None],
    say: Callable[[str], None],
    live: LiveProgress | None = None,
) -> None:
    """Run the controller's assignments until it has none left or stops; Ray must be running.

    ``on_tick`` is called about ten times a second, ``say`` with lines for the user; ``live``
    hears how far epochs are. Raises
    RayLost where Ray is gone, RayFault where no worker can be set up or Tune gives up again and
    again.
    """
    load_tune()
    from ray import tune

    from study.execution.on_ray.tune_worker import TrialWorker

    silence(TUNE_LOGGERS)

    trainable = tune.with_resources(TrialWorker, _places)
    share = _share(options)
    leaving = (
        LeavingNodes() if options.own_ray else LeavingNodes(draining_nodes, nodes_gone_as_told)
    )
    bridge = Bridge(controller, options, on_tick, say, live, share, leaving)

    def fault() -> str:
        """Say what is wrong with Ray, empty while nothing is; look which of its nodes leave."""
        found = own_ray_fault() if options.own_ray else cluster_fault()
        if not found:
            leaving.look()
        return found

    def end_process(reason: str) -> None:
        _end_process(bridge, controller, reason)

    with RayWatch(fault, end_process) as watch:
        bridge.watch = watch
        try:
            _keep_tune_running(trainable, bridge, controller)
        except LeaveRay:
            raise bridge.on_ray_lost(watch.reason) from None
        share.leave()


def _places(config: Mapping[str, str]) -> Any:
    """Ask for a place for each of an attempt's workers, on one node where they fit."""
    opened = open_config(config)
    return _equal_places(json.dumps(opened["resources"]), opened["workers"])


@functools.cache
def _equal_places(resources: str, workers: int) -> Any:
    """Return one object for all that ask for the same, as Tune compares them again and again."""
    from ray import tune

    return tune.PlacementGroupFactory([json.loads(resources)] * workers)


def _share(options: ExecutorOptions) -> WholeCluster:
    """Return the study's share of the cluster; all of a Ray of its own."""
    if options.own_ray:
        return WholeCluster()
    from study.execution.on_ray.sharing.broker_actor import BrokerConnection

    return StudyShare(options.paths.name, options.resources.by_name, BrokerConnection())


def _end_process(bridge: Bridge, controller: Controller, reason: str) -> None:
    """Close the study and end this process, whose main thread hangs in a call to a dead Ray.

    Ray would end it soon after, without a word to the user or the journal.
    """
    with suppress(StudyError, OSError):
        lost = bridge.on_ray_lost(reason)
        session = len(controller.history.sessions)
        controller.record(SessionClosed(session=session, reason="fault"))
        sys.stderr.write(f"{lost}\n")
        sys.stderr.flush()
    for _, process in own_ray_processes():
        process.kill()
    os._exit(RayFault.exit_code)


def _keep_tune_running(trainable: Any, bridge: Bridge, controller: Controller) -> None:
    """Start Tune, and again where it gives up, until the study stops or has nothing left."""
    reason, failed_starts = "", 0
    while failed_starts < _FAILED_STARTS:
        placed = bridge.workers_placed
        with TemporaryFolder("study-tune-") as folder:
            try:
                _run_tune(trainable, bridge, str(folder.path))
            except StudyEnded:
                pass
            except StudyError:
                raise
            except Exception as error:
                reason = on_one_line(error)
                if bridge.watch:
                    bridge.watch.check()  # Tune gives up where Ray is gone
                bridge.on_tune_lost(error)
        if controller.stopping or controller.is_nothing_left():
            return
        failed_starts = 0 if bridge.workers_placed > placed else failed_starts + 1
    raise RayFault(
        f"Ray Tune gave up {_FAILED_STARTS} times before a worker took up a trial, last with"
        f" {reason}; when that is mended: {bridge.options.paths.command('resume')}"
    )


def _run_tune(trainable: Any, bridge: Bridge, folder: str) -> None:
    """Let Tune run trials until ``bridge`` ends it; ``folder`` is for Tune's own state."""
    from ray import tune

    tune_config = tune.TuneConfig(
        search_alg=_searcher(bridge),
        scheduler=_scheduler(bridge),
        num_samples=-1,
        max_concurrent_trials=bridge.options.concurrency,
        reuse_actors=True,
    )
    run_config = tune.RunConfig(
        name="study",
        storage_path=folder,
        verbose=0,
        progress_reporter=_silent_reporter(),
        stop=_stopper(bridge),
        checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
        failure_config=tune.FailureConfig(max_failures=0),
    )
    variables = workers_without_variables() if bridge.options.own_ray else nullcontext()
    with variables, tune_without_state(), tune_with_less_to_do():
        tune.Tuner(trainable, tune_config=tune_config, run_config=run_config).fit()


def _silent_reporter() -> Any:
    """Return the part of Tune that shows progress: Tune's own would clear a notebook's cell."""
    from ray.tune import ProgressReporter

    class SilentReporter(ProgressReporter):  # type: ignore[misc]
        def should_report(self, trials: Any, done: bool = False) -> bool:
            return False

        def report(self, trials: Any, done: bool, *sys_info: str) -> None:
            pass

    return SilentReporter()


def _searcher(bridge: Bridge) -> Any:
    """Return the part of Tune that asks what to run."""
    from ray.tune.search import Searcher

    class ControllerSearcher(Searcher):  # type: ignore[misc]
        def suggest(self, trial_id: str) -> Any:
            config = bridge.next_config(trial_id)
            if isinstance(config, NothingLeft):
                return Searcher.FINISHED
            return None if isinstance(config, WaitForTrials) else seal_config(config)

        def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
            bridge.on_trial_end(trial_id)

        def set_search_properties(self, *args: Any, **spec: Any) -> bool:
            return True

        def save(self, checkpoint_path: str) -> None:
            pass

        def restore(self, checkpoint_path: str) -> None:
            pass

    return ControllerSearcher()


def _scheduler(bridge: Bridge) -> Any:
    """Return the part of Tune that hears results and says which trials go on."""
    from ray.tune.schedulers import FIFOScheduler, TrialScheduler

    added: deque[Any] = deque()
    """Trials in the order in which they came, the ones that have begun left out in time."""

    class ControllerScheduler(FIFOScheduler):  # type: ignore[misc]
        def on_trial_add(self, tune_controller: Any, trial: Any) -> None:
            added.append(trial)

        def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> Any:
            goes_on = bridge.on_result(trial, result)
            return TrialScheduler.CONTINUE if goes_on else TrialScheduler.STOP

        def on_trial_complete(
            self, tune_controller: Any, trial: Any, result: dict[str, Any]
        ) -> None:
            bridge.on_result(trial, result)

        def on_trial_error(self, tune_controller: Any, trial: Any) -> None:
            bridge.on_worker_lost(trial)

        def choose_trial_to_run(self, tune_controller: Any) -> Any:
            while added and added[0].status != added[0].PENDING:
                added.popleft()
            waiting = added[0] if added else None
            if bridge.leaves_workers() or (waiting is None and bridge.gives_back):
                end_idle_workers(tune_controller)
            return waiting

    return ControllerScheduler()


def _stopper(bridge: Bridge) -> Any:
    """Return the part of Tune that is asked in each round of its loop whether to stop it."""
    from ray.tune.stopper import Stopper

    class LookAround(Stopper):  # type: ignore[misc]
        def __call__(self, trial_id: str, result: Any) -> bool:
            return False

        def stop_all(self) -> bool:
            bridge.look_around()
            return False

    return LookAround()
