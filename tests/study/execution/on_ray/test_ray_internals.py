"""The installed Ray still has every private name, setting and text that the project relies on."""

from __future__ import annotations

import importlib.util
import inspect
import logging
import math
import os
import re
from collections.abc import Iterator
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import ray
from ray.air.execution._internal.actor_manager import RayActorManager
from ray.air.execution._internal.event_manager import RayEventManager
from ray.autoscaler import sdk
from ray.core.generated.common_pb2 import NodeDeathInfo
from ray.tune.execution import class_cache
from ray.tune.execution.experiment_state import _ExperimentCheckpointManager
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial

import study
from study.execution.on_ray import ray_internals
from study.execution.on_ray.worker_loss import executor_loss
from study.journal.trials import Attempt

RAY = Path(ray.__file__).parent
BINARIES = ("_raylet.so", "core/src/ray/gcs/gcs_server", "core/src/ray/raylet/raylet")
READERS = (
    "_common/usage",
    "_private",
    "dashboard/modules/job",
    "tune",
)
"""Where Ray's own files read its settings."""


@cache
def binary(name: str) -> bytes:
    return (RAY / name).read_bytes()


def python_files(folder: str) -> Iterator[str]:
    return (path.read_text() for path in (RAY / folder).rglob("*.py"))


def is_read(setting: str) -> bool:
    """Whether a setting's whole name stands in Ray's Python files or its binaries."""
    name = re.compile(rf"\b{setting}\b")
    if any(name.search(text) for folder in READERS for text in python_files(folder)):
        return True
    return any(re.search(rb"\b%b\b" % setting.encode(), binary(file)) for file in BINARIES)


SETTINGS = [
    *ray_internals.RAY_SETTINGS,
    *ray_internals.OWN_RAY_SETTINGS,
    ray_internals.WORKER_PRESTART,
    *ray_internals.TUNE_SETTINGS,
    ray_internals.JOB_STOP_WAIT,
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_ray_reads_a_setting(setting: str) -> None:
    assert is_read(setting)


def test_a_setting_that_ray_does_not_know_would_be_found_out() -> None:
    assert not is_read("RAY_no_setting_of_this_name")
    assert not is_read("RAY_enable_worker_prestar")


@pytest.mark.parametrize(
    ("owner", "attribute", "stand_in"),
    ray_internals.startup_replacements(),
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_replaced_at_rays_start_is_there_and_takes_the_same_arguments(
    owner: object, attribute: str, stand_in: object
) -> None:
    own = getattr(owner, attribute)
    if not callable(own):
        assert type(own) is type(stand_in)
        return
    assert callable(stand_in)
    accepted = inspect.signature(stand_in).parameters.values()
    if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in accepted):
        assert (
            inspect.signature(own).parameters.keys()
            == inspect.signature(stand_in).parameters.keys()
        )


def test_ray_looks_up_what_is_replaced_where_it_is_replaced() -> None:
    services = (RAY / "_private/services.py").read_text()
    assert "ray_constants.ENABLE_RAY_CLUSTER:" in services
    assert "ray._private.utils.get_dashboard_dependency_error()" in services
    node = (RAY / "_private/node.py").read_text()
    for method in ("start_api_server", "start_monitor", "start_log_monitor"):
        assert f"self.{method}(" in node


def test_workers_get_no_folders_of_the_drivers_and_its_ray_has_the_processes_watched() -> None:
    worker = (RAY / "_private/worker.py").read_text()
    assert "job_config._py_driver_sys_path.extend(code_paths)" in worker
    assert worker.count("not job_config._runtime_env_has_working_dir()") == 2
    assert ray_internals.job_config_without_folders()._runtime_env_has_working_dir()
    assert "utils.set_sigterm_handler(" in worker
    assert "target=listen_error_messages" in worker
    assert "_global_node" in worker
    assert "self.all_processes" in (RAY / "_private/node.py").read_text()
    assert ray_internals.own_ray_processes() == []


def test_all_is_as_before_once_ray_has_started() -> None:
    environment = dict(os.environ)
    before = [getattr(owner, name) for owner, name, _ in ray_internals.startup_replacements()]
    with ray_internals.own_ray_startup(prestart=True):
        assert os.environ[ray_internals.WORKER_PRESTART] == "1"
        during = [getattr(owner, name) for owner, name, _ in ray_internals.startup_replacements()]
        assert all(now is not then for now, then in zip(during, before, strict=True))
    after = [getattr(owner, name) for owner, name, _ in ray_internals.startup_replacements()]
    assert after == before
    assert dict(os.environ) == environment


def test_ray_takes_the_private_options(tmp_path: Path) -> None:
    signature = inspect.signature(ray.init)
    takes_any = any(
        parameter.kind is parameter.VAR_KEYWORD for parameter in signature.parameters.values()
    )
    source = inspect.getsource(ray.init)
    for option in ray_internals.loopback_options(tmp_path):
        assert option in signature.parameters or (takes_any and f'"{option}"' in source)


@pytest.mark.parametrize(
    "name",
    sorted({*ray_internals.RAY_LOGGERS, *ray_internals.TUNE_LOGGERS, *ray_internals.JOB_LOGGERS}),
)
def test_ray_has_the_modules_whose_loggers_are_silenced(name: str) -> None:
    assert importlib.util.find_spec(name) is not None


def test_loggers_are_silenced_below_a_level() -> None:
    ray_internals.silence(["study.tests.silenced"], below=logging.ERROR)
    logger = logging.getLogger("study.tests.silenced")
    assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.ERROR)


def test_tune_asks_for_workers_with_the_variables_that_are_emptied_meanwhile() -> None:
    defaults = dict(class_cache.DEFAULT_ENV_VARS)
    propagated = set(class_cache.ENV_VARS_TO_PROPAGATE)
    assert defaults or propagated
    source = inspect.getsource(class_cache)
    assert "DEFAULT_ENV_VARS.copy()" in source
    assert "in ENV_VARS_TO_PROPAGATE:" in source
    with ray_internals.workers_without_variables():
        assert not class_cache.DEFAULT_ENV_VARS
        assert not class_cache.ENV_VARS_TO_PROPAGATE
    assert defaults == class_cache.DEFAULT_ENV_VARS
    assert propagated == class_cache.ENV_VARS_TO_PROPAGATE


def test_tune_saves_its_state_by_the_method_that_is_replaced_meanwhile() -> None:
    saving = _ExperimentCheckpointManager.sync_up_experiment_state
    source = inspect.getsource(TuneController.checkpoint)
    assert "self._checkpoint_manager.sync_up_experiment_state(" in source
    saved = list[str]()
    manager = _ExperimentCheckpointManager(storage=None, checkpoint_period=1.0)
    with ray_internals.tune_without_state():
        stand_in = _ExperimentCheckpointManager.sync_up_experiment_state
        assert inspect.signature(stand_in).parameters.keys() == (
            inspect.signature(saving).parameters.keys()
        )
        manager.sync_up_experiment_state(lambda: saved.append("state"), force=True, wait=True)
    assert not saved
    assert saving is _ExperimentCheckpointManager.sync_up_experiment_state


class Task:
    """What Ray gives for a call to a worker."""

    def __init__(self) -> None:
        self.ended = Future[str]()

    def future(self) -> Future[str]:
        return self.ended


class Places:
    """The resources that Tune asks Ray for, of which some come into being."""

    def __init__(self) -> None:
        self.waited_for: list[Task] = []
        self.updates = 0

    def get_resource_futures(self) -> list[Task]:
        return self.waited_for

    def has_resources_ready(self, request: object) -> bool:
        return False

    def update_state(self) -> None:
        self.updates += 1
        self.waited_for = [task for task in self.waited_for if not task.ended.done()]


def test_tune_hears_of_its_workers_tasks_in_the_order_in_which_they_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray, "get", lambda task: task.ended.result())
    tasks = [Task() for _ in range(4)]
    heard: list[str] = []
    with ray_internals.tune_with_less_to_do():
        places = Places()
        manager = RayActorManager(resource_manager=places)
        manager._resource_request_to_pending_actors["a place"] = []
        for task in tasks:
            manager._actor_task_events.track_future(task, heard.append)
        assert not manager.next(timeout=0)
        for number in (2, 0, 3):
            tasks[number].ended.set_result(f"task {number}")
        manager._actor_task_events.discard_future(tasks[0])
        room = Task()
        places.waited_for = [room]
        assert manager.next(timeout=0)
        room.ended.set_result("room")
        assert manager.next(timeout=0)
        assert not manager.next(timeout=0)
    assert heard == ["task 2", "task 3"]
    assert places.updates == 1, "room that was found is taken notice of"


def test_tune_handles_events_where_that_is_replaced() -> None:
    source = inspect.getsource(TuneController.step)
    assert "self._actor_manager.next(timeout=0.1)" in source
    before = inspect.getsource(RayActorManager.next)
    for part in (
        "self._try_kill_actor()",
        "self._try_start_actors()",
        "self._resource_manager.get_resource_futures()",
        "self._actor_state_events.resolve_future(future)",
        "self._actor_task_events.resolve_future(future)",
        "self._handle_ready_resource_future()",
    ):
        assert part in before
    assert "self._tracked_futures[future] =" in inspect.getsource(RayEventManager.track_future)
    own = [
        (RayActorManager, "next"),
        (RayEventManager, "track_future"),
        (Trial, "set_ray_actor"),
    ]
    parameters = [inspect.signature(getattr(*each)).parameters.keys() for each in own]
    with ray_internals.tune_with_less_to_do():
        now = [inspect.signature(getattr(*each)).parameters.keys() for each in own]
    assert now == parameters
    assert before == inspect.getsource(RayActorManager.next)


def test_tune_asks_nobody_where_a_trial_runs(trial: Trial) -> None:
    assert "get_trainable_cls(self.trainable_name)" in inspect.getsource(Trial.get_trainable_cls)
    assert "get_auto_filled_metrics.remote(" in inspect.getsource(Trial.set_ray_actor)
    with ray_internals.tune_with_less_to_do():
        trial.set_ray_actor("an actor")
        assert trial.temporary_state.ray_actor == "an actor"
        assert trial.last_result["trial_id"] == trial.trial_id


def test_tune_keeps_idle_workers_where_they_are_ended() -> None:
    source = inspect.getsource(TuneController._cleanup_cached_actors)
    assert "force_all" in inspect.signature(TuneController._cleanup_cached_actors).parameters
    assert "self._remove_actor(tracked_actor=tracked_actor)" in source
    ended: list[bool] = []
    controller = SimpleNamespace(_cleanup_cached_actors=lambda force_all: ended.append(force_all))
    ray_internals.end_idle_workers(controller)
    assert ended == [True]


@pytest.fixture
def trial() -> Trial:
    """A trial as Tune itself makes them."""
    return Trial("trainable", stub=True)


def test_tunes_results_of_a_trial_are_forgotten(trial: Trial) -> None:
    trial.update_last_result({"training_iteration": 1, "done": False, "loss": 0.5})
    assert trial.run_metadata.last_result
    assert trial.metric_analysis
    assert trial.metric_n_steps
    ray_internals.forget_results(trial)
    assert not trial.run_metadata.last_result
    assert not trial.metric_analysis
    assert not trial.metric_n_steps


def test_a_trials_worker_and_its_error_are_where_they_are_looked_for(
    trial: Trial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[object] = []
    monkeypatch.setattr("ray.kill", killed.append)
    ray_internals.kill_worker(trial)
    assert killed == []
    trial.set_ray_actor(None)
    trial.temporary_state.ray_actor = "the actor"
    ray_internals.kill_worker(trial)
    assert killed == ["the actor"]
    monkeypatch.setattr(Trial, "local_path", str(tmp_path))
    assert ray_internals.error_text(trial) == ""
    trial.run_metadata.error_filename = "error.txt"
    (tmp_path / "error.txt").write_text("what Tune has written")
    assert ray_internals.error_text(trial) == "what Tune has written"


def format_string(beginning: bytes) -> str:
    """The format in Ray's node manager that begins so."""
    found = re.search(re.escape(beginning) + rb"[^\0\n]*", binary("core/src/ray/raylet/raylet"))
    assert found is not None, f"{beginning!r} is no longer among Ray's messages"
    return found[0].decode()


def test_what_ray_says_of_its_memory_monitors_kills_is_understood() -> None:
    """The message is put together from Ray's own formats, as its node manager does."""
    usage = format_string(b"Memory on the node (IP: %s") % ("10.0.0.1", "63a5", "5.9", "23.5", 0.25)
    kill = format_string(b"%d worker(s) were killed due to the node running low on memory.")
    victim = format_string(b"%s%spid=%d, actual memory used=%sGB") % (
        "(Actor",
        ": ",
        29,
        "1.81",
        "5296",
    )
    text = kill % (1, usage) + "\n" + format_string(b"Selected to kill: %s") % victim
    hit = Attempt(1, started_at=0.0, epochs_before=0, node="63a5", pid=29)
    failure = executor_loss(RuntimeError(text), hit)
    assert failure.failure_class == "out_of_memory"
    assert failure.message == (
        "the machine's memory ran out (5.9GB used / 23.5GB limit): "
        "Ray killed its process, which had 1.81GB"
    )


def test_ray_still_says_what_a_worker_was_lost_to_in_these_words() -> None:
    unavailable = inspect.getsource(ray.exceptions.ActorUnavailableError)
    assert ray_internals.CONNECTION_LOST in unavailable
    assert ray_internals.CREATION_FAILED in (RAY / "exceptions.py").read_text()
    assert ray_internals.PROCESS_DIED.encode() in binary("core/src/ray/gcs/gcs_server")


def test_a_cluster_still_refuses_in_these_words() -> None:
    head = (RAY / "dashboard/modules/job/job_head.py").read_text()
    assert ray_internals.NO_AGENT in head
    client = (RAY / "dashboard/modules/dashboard_sdk.py").read_text()
    assert 'f"Request failed with status code {r.status_code}: {r.text}."' in client
    server = (RAY / "_private/authentication/http_token_authentication.py").read_text()
    refusals = re.findall(r'status=(40\d), text="([^"]+)"', server)
    assert {status for status, _ in refusals} == {"401", "403"}
    for status, words in refusals:
        said = f"Request failed with status code {status}: {words}."
        assert ray_internals.http_error(said) == int(status)
        assert ray_internals.http_error(words) == int(status)
    assert ray_internals.http_error("Request failed with status code 500: no such job.") is None


PROMISED = {"RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}
"""Settings in Ray's documentation."""


def test_no_other_file_relies_on_what_ray_does_not_promise() -> None:
    unpromised = re.compile(r"""ray\._private|ray\.tune\.execution|["'](?:RAY|TUNE)_\w+["']""")
    package = Path(study.__file__).parent
    for path in package.rglob("*.py"):
        if path.name == "ray_internals.py":
            continue
        found = {name.strip("\"'") for name in unpromised.findall(path.read_text())}
        assert found <= PROMISED, path


def test_nodes_that_leave_are_told_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._private.state import GlobalState

    ends_ms = {"a": 1_800_000_000_500, "b": 0}
    monkeypatch.setattr(GlobalState, "get_draining_nodes", lambda self: ends_ms)
    assert ray_internals.draining_nodes() == {"a": 1_800_000_000.5, "b": math.inf}
    nodes = [
        {"NodeID": str(reason), "Alive": reason == 0, "DeathReason": reason} for reason in range(5)
    ]
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    assert ray_internals.nodes_gone_as_told() == {"1", "3", "4"}, "2 was not expected"


def test_the_head_is_found_among_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    head = {"NodeID": "h", "Alive": True, "Resources": {ray_internals.HEAD_RESOURCE: 1.0}}
    other = {"NodeID": "o", "Alive": True, "Resources": {"CPU": 1.0}}
    monkeypatch.setattr(ray, "nodes", lambda: [other, head])
    assert ray_internals.head_node() == "h"
    monkeypatch.setattr(ray, "nodes", lambda: [other, {**head, "Alive": False}])
    assert ray_internals.head_node() == ""
    from ray._common import constants

    assert ray_internals.HEAD_RESOURCE == constants.HEAD_NODE_RESOURCE_NAME


def test_room_is_asked_for_as_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    signature = inspect.signature(sdk.request_resources)
    monkeypatch.setattr(sdk, "request_resources", lambda **words: asked.append(words))
    ray_internals.request_room([{"CPU": 1.0}] * 2)
    assert asked == [{"bundles": [{"CPU": 1.0}, {"CPU": 1.0}]}]
    assert "bundles" in signature.parameters


def test_ray_says_of_each_node_why_it_is_gone() -> None:
    assert b"DeathReason" in binary("_raylet.so")
    assert dict(NodeDeathInfo.Reason.items())["UNEXPECTED_TERMINATION"] == 2


def test_the_worker_of_a_trial_is_asked_to_set_it_aside(trial: Trial) -> None:
    asked: list[bool] = []
    method = SimpleNamespace(remote=lambda: asked.append(True))
    trial.temporary_state.ray_actor = SimpleNamespace(set_aside=method)
    ray_internals.ask_to_set_aside(trial)
    assert asked == [True]
