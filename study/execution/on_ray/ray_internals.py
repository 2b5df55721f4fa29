"""What Ray and Ray Tune do not promise to keep, all in one file.

Outside this file only their public API is used. Here stand the private names that are replaced or
read, the settings that their documentation does not list, and the texts that are parsed because no
field says the same, each with its reason. They are those of Ray 2.60; its test
``tests/study/execution/on_ray/test_ray_internals.py`` looks for every one in the installed Ray and
fails where Ray has changed it.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import queue
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

# -- settings, which Ray and Tune read from the environment ------------------------------

RAY_SETTINGS = {
    # Nothing is reported to Ray's makers.
    "RAY_USAGE_STATS_ENABLED": "0",
    # Nobody collects metrics from a study's Ray.
    "RAY_enable_metrics_collection": "0",
    # Workers that start before a driver asks lack the trials' environment, and serve for nothing.
    "RAY_prestart_worker_first_driver": "0",
    # Repeated lines are not counted together: the study itself says what becomes of workers.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
}
"""Set for every driver, unless the user has set them."""

OWN_RAY_SETTINGS = {
    # Ray listens on loopback only where it takes this machine for one that can't be in a cluster.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    # Workers load what trials need while the driver is still getting ready.
    "RAY_preload_python_modules": "study.execution.on_ray.worker_preload",
    # Ray's parts try for ten seconds to reach each other: here every 50 ms, not every second, of
    # which the first try often costs a whole one.
    "RAY_raylet_client_connect_timeout_milliseconds": "50",
    "RAY_raylet_client_num_connect_attempts": "200",
    # On a machine so busy that a worker's imports take minutes, Ray starts no further ones.
    "RAY_worker_register_timeout_seconds": "300",
}
"""Set while a Ray of the study's own starts."""

WORKER_PRESTART = "RAY_enable_worker_prestart"
"""Whether Ray starts a worker for each CPU before one is asked for: ``0`` or ``1``."""

TUNE_SETTINGS = {
    # No result files: the journal has everything.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Ctrl-C is the driver's to handle.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # No warnings about slow callbacks or a cluster without room: the driver says what matters.
    "TUNE_WARN_THRESHOLD_S": "1000000",
    "TUNE_WARN_INSUFFICENT_RESOURCE_THRESHOLD_S": "1000000",
    # Tune prints nothing of its own.
    "RAY_AIR_NEW_OUTPUT": "0",
    # Every result is passed on at once: a worker waits for its answer.
    "TUNE_RESULT_BUFFER_LENGTH": "0",
    # A worker without a share of a GPU sees the machine's GPUs as the driver does.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Set before Tune is imported."""

JOB_STOP_WAIT = "RAY_JOB_STOP_WAIT_TIME_S"
"""Seconds that a job of a cluster has to end after it was asked to, before Ray kills it."""

# -- options and loggers -----------------------------------------------------------------


def loopback_options(temporary_folder: Path) -> dict[str, str]:
    """Return the private options of ``ray.init`` for a Ray on loopback with a folder of its own.

    Loopback keeps strangers out; with its own folder it neither finds nor disturbs other Rays.
    """
    return {"_node_ip_address": "127.0.0.1", "_temp_dir": str(temporary_folder)}


RAY_LOGGERS = ("ray",)
TUNE_LOGGERS = ("ray.tune", "ray.air", "ray.train", "ray")
"""What they log as warnings and errors, the study says itself where it concerns the user."""
JOB_LOGGERS = (
    "ray",
    "ray.dashboard.modules.dashboard_sdk",
    "ray.dashboard.modules.job.sdk",
    "ray._private.runtime_env.packaging",
)
"""The Jobs client tells by them about each upload and request."""


def silence(loggers: Iterable[str], below: int = logging.CRITICAL) -> None:
    """Drop what these loggers say below a level."""
    for name in loggers:
        logging.getLogger(name).setLevel(below)


# -- attributes that are replaced --------------------------------------------------------


def startup_replacements() -> list[tuple[object, str, object]]:
    """List what is replaced while a Ray of the study's own starts: owner, attribute, stand-in.

    Ray would start several processes that nobody looks at, and waits for the dashboard's.
    """
    from ray._private import node, ray_constants, utils, worker

    return [
        # The setting of this name, which Ray has read when it was imported.
        (ray_constants, "ENABLE_RAY_CLUSTER", False),
        # Without its dashboard's packages Ray's agent opens no fixed port, for which a second Ray
        # on a machine would wait.
        (utils, "get_dashboard_dependency_error", lambda: ImportError("not installed")),
        # The dashboard.
        (node.Node, "start_api_server", lambda self, **options: None),
        # The monitor of a cluster that grows.
        (node.Node, "start_monitor", lambda self: None),
        # The process that passes on what workers print.
        (node.Node, "start_log_monitor", lambda self: None),
        # Ray's own answer to SIGTERM: it would end the process while a study is being taken up.
        (utils, "set_sigterm_handler", lambda sigterm_handler: None),
        # The thread that prints, with pages of logs, what Ray's processes died of.
        (worker, "listen_error_messages", lambda worker, threads_stopped: None),
    ]


@contextmanager
def own_ray_startup(*, prestart: bool) -> Iterator[None]:
    """Set everything that a Ray of the study's own is started with, for the length of the block.

    ``prestart`` starts a worker for each CPU at once. Afterwards all is as before: the next Ray may
    be a cluster's.
    """
    variables = OWN_RAY_SETTINGS | {WORKER_PRESTART: str(int(prestart))}
    with ExitStack() as stack:
        stack.enter_context(_environment(variables))
        for owner, attribute, stand_in in startup_replacements():
            stack.enter_context(_replaced(owner, attribute, stand_in))
        yield


def own_ray_processes() -> list[tuple[str, Any]]:
    """List the processes without which the Ray that this process has started can't go on.

    They come with their names, as ``subprocess.Popen``; none where no Ray was started here.
    """
    from ray._private import worker

    node = worker._global_node
    processes = node.all_processes if node is not None else {}
    return [(name, info.process) for name, infos in processes.items() for info in infos]


def job_config_without_folders() -> Any:
    """Return a job's configuration by which its workers look for modules where Python does.

    Ray would put the driver's current folder and its script's before all others, and a file of the
    user's there in the place of a module of Ray's or of Python's own.
    """
    from ray.job_config import JobConfig

    class WithoutFolders(JobConfig):  # type: ignore[misc]
        def _runtime_env_has_working_dir(self) -> bool:
            return True

    return WithoutFolders()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the length of the block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _replaced(owner: object, attribute: str, stand_in: object) -> Iterator[None]:
    """Put something else in an attribute's place for the length of the block."""
    before = getattr(owner, attribute)
    setattr(owner, attribute, stand_in)
    try:
        yield
    finally:
        setattr(owner, attribute, before)


@contextmanager
def workers_without_variables() -> Iterator[None]:
    """Keep Tune from asking for workers with environment variables, for the length of the block.

    A study's own Ray has started its workers with them already; asked for them, Ray would start
    other workers.
    """
    from ray.tune.execution import class_cache

    with ExitStack() as stack:
        stack.enter_context(_replaced(class_cache, "DEFAULT_ENV_VARS", {}))
        stack.enter_context(_replaced(class_cache, "ENV_VARS_TO_PROPAGATE", set()))
        yield


@contextmanager
def tune_without_state() -> Iterator[None]:
    """Keep Tune from saving its own state, for the length of the block: it is never restored.

    Tune would save it at its first step and its last one, however rarely it is told to, in threads
    of pyarrow's that go on where an error ends Tune.
    """
    from ray.tune.execution.experiment_state import _ExperimentCheckpointManager

    def save_nothing(self: Any, save_fn: Any, force: bool = False, wait: bool = False) -> None:
        pass

    with _replaced(_ExperimentCheckpointManager, "sync_up_experiment_state", save_nothing):
        yield


@contextmanager
def tune_with_less_to_do() -> Iterator[None]:
    """Spare Tune work that grows with its live workers, or that nobody reads, for the length of the
    block.

    For each event Tune shuffles the tasks of all its workers and asks Ray to wait for any of them:
    3 ms with 500 workers. Here it hears of each as it ends. For each trial it asks its worker twice
    where it runs, which our messages say, and looks its class up in the cluster's store.
    """
    from ray.air.execution._internal.actor_manager import RayActorManager
    from ray.air.execution._internal.event_manager import RayEventManager
    from ray.tune.experiment import trial

    ended = _EndedTasks()
    track = RayEventManager.track_future

    def track_future(self: Any, future: Any, on_result: Any = None, on_error: Any = None) -> None:
        track(self, future, on_result, on_error)
        ended.watch(future)

    def next_event(self: Any, timeout: float | None = None) -> bool:
        return _next_event(self, ended, timeout)

    def set_ray_actor(self: Any, ray_actor: Any) -> None:
        self.temporary_state.ray_actor = ray_actor

    with ExitStack() as stack:
        stack.enter_context(_replaced(RayEventManager, "track_future", track_future))
        stack.enter_context(_replaced(RayActorManager, "next", next_event))
        stack.enter_context(_replaced(trial.Trial, "set_ray_actor", set_ray_actor))
        look_up = functools.cache(trial.get_trainable_cls)
        stack.enter_context(_replaced(trial, "get_trainable_cls", look_up))
        yield


class _EndedTasks:
    """The tasks on workers that have ended, in the order in which they did."""

    def __init__(self) -> None:
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._places: set[Any] = set()
        """Those of the tasks that are watched which end when there is room for a worker."""

    def watch(self, task: Any) -> None:
        """Hear of a task's end; Ray says it in a thread of its own."""
        task.future().add_done_callback(lambda _: self._ended.put(task))

    def watch_places(self, places: Sequence[Any]) -> None:
        """Hear of the room that is waited for now."""
        if not places and not self._places:
            return
        known, self._places = self._places, set(places)
        for place in self._places - known:
            self.watch(place)

    def next(self, timeout: float | None) -> Any:
        """Return the next one; None where none ends within so many seconds."""
        try:
            return self._ended.get(timeout=timeout)
        except queue.Empty:
            return None


def _next_event(manager: Any, ended: _EndedTasks, timeout: float | None) -> bool:
    """Do what Tune's manager of actors does about its next event; False where none comes."""
    is_killed = manager._try_kill_actor()
    manager._try_start_actors()
    if is_killed:
        return True
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    while True:
        ended.watch_places(manager._resource_manager.get_resource_futures())
        left_s = deadline - time.monotonic()
        task = ended.next(None if left_s == math.inf else max(0.0, left_s))
        if task is None:
            return False
        for events in (manager._actor_state_events, manager._actor_task_events):
            if task in events._tracked_futures:
                events.resolve_future(task)
                manager._try_start_actors()
                return True
        if task in manager._resource_manager.get_resource_futures():
            manager._handle_ready_resource_future()


# -- fields of Tune's trials -------------------------------------------------------------


def forget_results(trial: Any) -> None:
    """Drop the results that Tune keeps of an ended trial as long as it runs, and never reads."""
    trial.metric_analysis.clear()
    trial.metric_n_steps.clear()
    trial.run_metadata.last_result.clear()


def kill_worker(trial: Any) -> None:
    """Kill the actor that runs a trial, if any does: Tune itself offers no way to it."""
    import ray

    actor = trial.temporary_state.ray_actor
    if actor is not None:
        ray.kill(actor)


def ask_to_set_aside(trial: Any) -> None:
    """Ask the worker that runs a trial to end it with its state saved, before its next step.

    Tune itself hands nothing to a trial that runs.
    """
    trial.temporary_state.ray_actor.set_aside.remote()


def end_idle_workers(tune_controller: Any) -> None:
    """End the workers that Tune keeps for trials to come, so that others find their room."""
    tune_controller._cleanup_cached_actors(force_all=True)


def error_text(trial: Any) -> str:
    """Read what Tune has written about a trial's end; empty where it has written nothing.

    Tune hands the error itself to nobody.
    """
    try:
        return Path(trial.error_file).read_text()
    except (OSError, TypeError):
        return ""


# -- nodes that leave --------------------------------------------------------------------


def draining_nodes() -> dict[str, float]:
    """Return the living nodes that were told to go, by their ids, each with when it ends at the
    latest, in seconds since 1970; infinity where nothing was said.

    Ray's public list of nodes says nothing of it.
    """
    from ray._private.state import state

    ends_ms: dict[str, int] = state.get_draining_nodes()
    return {node: end_ms / 1000 if end_ms else math.inf for node, end_ms in ends_ms.items()}


def nodes_gone_as_told() -> set[str]:
    """Return the ids of nodes that are gone because they were told to go: drained, or by SIGTERM.

    The numbers of Ray's reasons stand in its protocol alone.
    """
    import ray
    from ray.core.generated.common_pb2 import NodeDeathInfo

    told = {
        NodeDeathInfo.EXPECTED_TERMINATION,
        NodeDeathInfo.AUTOSCALER_DRAIN_PREEMPTED,
        NodeDeathInfo.AUTOSCALER_DRAIN_IDLE,
    }
    return {
        node["NodeID"] for node in ray.nodes() if not node["Alive"] and node["DeathReason"] in told
    }


# -- nodes that are asked for --------------------------------------------------------------

HEAD_RESOURCE = "node:__internal_head__"
"""What the head alone has; no field says which node it is."""


def head_node() -> str:
    """Return the id of the cluster's head; empty where it isn't known."""
    import ray

    heads = [
        node["NodeID"]
        for node in ray.nodes()
        if node["Alive"] and HEAD_RESOURCE in node["Resources"]
    ]
    return str(heads[0]) if heads else ""


def request_room(room: Sequence[Mapping[str, float]]) -> None:
    """Have the cluster's autoscaler see to it that all of this finds room at once, what runs
    already included; it holds until the next such request, of whomever.

    Ray calls this interface experimental.
    """
    from ray.autoscaler.sdk import request_resources

    request_resources(bundles=[dict(needs) for needs in room])


# -- texts of Ray's errors ---------------------------------------------------------------

CONNECTION_LOST = "is unavailable"
"""Ray has lost the connection to a worker: its node may be gone, and Ray not know it yet."""
PROCESS_DIED = "its worker process has died"
"""A worker's node has seen its process end."""
CREATION_FAILED = "raised in its creation task"
"""A worker could not be set up."""
MEMORY_KILL = re.compile(
    r"low on memory. Memory on the node \(IP: \S+, ID: (\w+)\) was (\S+ used / \S+ limit)"
)
"""The memory monitor has killed workers of a node: its id, and what of its memory was used."""
MEMORY_VICTIM = re.compile(r"Selected to kill:.*?pid=(\d+), actual memory used=(\S+?),")
"""One of the workers that it killed: the process's id and what it occupied."""
NO_AGENT = "No available agent"
"""A cluster's head that has just started does not take jobs yet."""
_HTTP_ERRORS: Mapping[int, re.Pattern[str]] = {
    401: re.compile(r"\b(401|Unauthorized)\b"),
    403: re.compile(r"\b(403|Forbidden)\b"),
}


def http_error(text: str) -> int | None:
    """Find the status with which a cluster refused a request, None where the text has neither.

    The Jobs client raises bare RuntimeErrors, with the status in their text alone.
    """
    for status, pattern in _HTTP_ERRORS.items():
        if pattern.search(text):
            return status
    return None
