"""Assignments go out to Tune and workers' messages come back, here with stand-ins for its trials."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import NothingLeft, WaitForTrials
from study.errors import RayFault
from study.execution.live_progress import LiveProgress
from study.execution.on_ray import tune_bridge
from study.execution.on_ray.sharing.study_share import Need, WholeCluster
from study.execution.on_ray.tune_bridge import Bridge, ExecutorOptions, StudyEnded, WorkersMissing
from study.execution.on_ray.watching.leaving_nodes import LeavingNodes
from study.execution.on_ray.watching.ray_watch import LeaveRay, RayWatch
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
    WorkerMessage,
)
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.failure import Failure
from study.spec.sections import Resources, Workers
from study.training.runtime.progress import ProgressMark

from ...command import wait_for
from ...fake_cluster import Storage, controller_on, curve, small_spec


class FakeTune:
    """Hands a bridge what Tune would."""

    def __init__(self, folder: Path, pruner: Any = "none") -> None:
        self.controller: Controller = controller_on(Storage(), small_spec(pruner=pruner))
        self.said: list[str] = []
        options = ExecutorOptions(
            paths=StudyPaths(LocalPath(folder), "fake"),
            resources=Resources(cpus=2),
            concurrency=2,
            heartbeat_s=60,
            trial_hours=1.5,
            data_dir=None,
        )
        self.live = LiveProgress()
        self.share = FakeShare()
        self.draining: dict[str, float] = {}
        self.leaving = LeavingNodes(lambda: self.draining)
        hears = (lambda: None, self.said.append, self.live)
        self.bridge = Bridge(self.controller, options, *hears, self.share, self.leaving)
        self._trials: dict[str, Any] = {}
        self._iterations = 0

    def begin(self, trial_id: str) -> dict[str, Any]:
        config = self.bridge.next_config(trial_id)
        assert isinstance(config, dict)
        self._trials[trial_id] = SimpleNamespace(
            trial_id=trial_id,
            error_file=None,
            metric_analysis={"loss": {}},
            metric_n_steps={},
            run_metadata=SimpleNamespace(last_result={}),
            temporary_state=SimpleNamespace(ray_actor=None),
        )
        return {**config, "assignment": json.loads(config["assignment"])}

    def trial(self, trial_id: str) -> Any:
        return self._trials[trial_id]

    def result(self, trial_id: str, *messages: WorkerMessage, **more: Any) -> bool:
        self._iterations += 1
        result = {"training_iteration": self._iterations, "messages": list(messages), **more}
        return self.bridge.on_result(self._trials[trial_id], result)


@pytest.fixture
def tune(tmp_path: Path) -> FakeTune:
    return FakeTune(tmp_path)


@pytest.fixture
def promoting(tmp_path: Path) -> FakeTune:
    return FakeTune(tmp_path, pruner="first-epochs")


def report(
    recipe: dict[str, Any], epoch: int, last: bool = False, has_state: bool = False
) -> Reported:
    return Reported({"epoch": epoch, "last": last, **curve(recipe, epoch)}, has_state)


class FakeShare(WholeCluster):
    """The share of a study that others crowd as the test likes."""

    def __init__(self) -> None:
        self.most = 9
        self.leave = 0
        self.needs: list[Need] = []

    def may_start(self, in_flight: int) -> bool:
        return in_flight < self.most

    def is_due(self) -> bool:
        return True

    def tell(self, need: Need) -> None:
        self.needs.append(need)

    def makes_way(self, node: str) -> bool:
        self.leave -= 1
        return node == "1" and self.leave >= 0


def failure(kind: str) -> Failure:
    return Failure(kind, "mine")


@pytest.mark.parametrize(("concurrency", "poll_s"), [(2, 0.2), (100, 10.0), (5000, 20.0)])
def test_workers_that_have_nothing_to_say_are_asked_no_more_often_for_being_more(
    tune: FakeTune, concurrency: int, poll_s: float
) -> None:
    tune.bridge.options.concurrency = concurrency
    assert tune.begin("a")["poll_s"] == poll_s


def test_a_workers_messages_reach_the_history(tune: FakeTune) -> None:
    config = tune.begin("a")
    assert config["limit_s"] == 1.5 * 3600
    recipe = config["assignment"]["recipe"]
    place = {"host": "here", "node": "1", "pid": 7, "device": "cpu"}
    assert tune.result("a", Placed(place), report(recipe, 1), held_s=1.23456)
    assert tune.result("a", Waiting("paused"), report(recipe, 2), held_s=9.0)
    assert tune.said == ["paused"]
    assert not tune.result("a", report(recipe, 3, last=True), Finished("epochs", {"parameters": 9}))
    trial = tune.controller.history.trials[0]
    assert trial.attempt.pid == 7
    assert trial.attempt.held_s == 1.235
    assert [row["epoch"] for row in trial.rows] == [1, 2, 3]
    assert (trial.state, trial.summary["parameters"]) == ("COMPLETE", 9)


def test_an_epoch_that_came_out_otherwise_reaches_the_history(tune: FakeTune) -> None:
    recipe = tune.begin("a")["assignment"]["recipe"]
    first = report(recipe, 1)
    assert tune.result("a", first)
    assert tune.result("a", Repeated(first.row))
    assert tune.controller.history.trials[0].attempt.differs_at is None
    assert tune.result("a", Repeated({**first.row, "val_loss": 0.1, "val_accuracy": 0.01}))
    assert tune.controller.history.trials[0].attempt.differs_at == 1


def test_a_trial_that_is_wanted_no_more_alarms_nobody(tune: FakeTune) -> None:
    """Its folder may be gone while its worker still writes."""
    recipe = tune.begin("a")["assignment"]["recipe"]
    tune.result("a", report(recipe, 1))
    assert tune.controller.stop_trial(0)
    assert not tune.result("a", Waiting("paused: can't write the checkpoint"))
    assert tune.said == []


def test_how_far_an_epoch_is_reaches_the_display(tune: FakeTune) -> None:
    tune.begin("a")
    mark = ProgressMark(stage="training", epoch=1, step=3, steps=9)
    result = {"training_iteration": 1, "messages": [], "progress": mark}
    tune.bridge.on_result(tune.trial("a"), result)
    assert tune.live.mark_of(0) == mark
    tune.bridge.on_trial_end("a")
    assert tune.live.mark_of(0) == ProgressMark()


def test_a_result_that_is_shown_again_says_nothing_new(tune: FakeTune) -> None:
    recipe = tune.begin("a")["assignment"]["recipe"]
    result = {"training_iteration": 1, "messages": [Waiting("once"), report(recipe, 1)]}
    assert tune.bridge.on_result(tune.trial("a"), result)
    assert not tune.bridge.on_result(tune.trial("a"), result)
    assert tune.said == ["once"]


def test_a_failed_attempt_ends_and_a_hung_worker_is_let_into_its_next_step(tune: FakeTune) -> None:
    tune.begin("a")
    tune.begin("b")
    assert not tune.result("a", Failed(failure("error")))
    assert tune.result("b", Hung(failure("timeout")))
    classes = [trial.attempts[0].failure.failure_class for trial in tune.controller.history.trials]
    assert classes == ["error", "timeout"]


def broken(kind: str = "device") -> Broken:
    return Broken(failure(kind), host="here", node="1", gpu="3")


@pytest.mark.parametrize("kind", ["device", "error"])
def test_a_broken_workers_process_is_ended_and_never_gets_another_trial(
    tune: FakeTune, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    killed: list[Any] = []
    monkeypatch.setattr(tune_bridge, "kill_worker", killed.append)
    tune.begin("a")
    assert tune.result("a", broken(kind)), "not ended, as Tune would keep its process"
    assert tune.result("a"), "not even where it answers once more"
    assert killed == [tune.trial("a")]
    tune.bridge.on_worker_lost(tune.trial("a"))
    trial = tune.controller.history.trials[0]
    assert [attempt.failure.failure_class for attempt in trial.attempts] == [kind]
    assert trial.has_ended == (kind == "error"), "a GPU's failure is tried again"


def test_a_gpu_that_fails_whoever_gets_it_is_held_so_that_nobody_does(
    tune: FakeTune, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[Any] = []
    monkeypatch.setattr(tune_bridge, "kill_worker", killed.append)
    for name in "abcde":
        tune.begin(name)
        assert tune.result(name, broken())
        if name != "e":
            tune.bridge.on_trial_end(name)
    assert [each.trial_id for each in killed] == ["a", "b", "c", "d"]
    assert any("GPU 3 of here gets no more trials" in line for line in tune.said)
    assert tune.result("e"), "its worker is kept for as long as the study runs"
    tune.bridge.look_around()
    recipe = tune.begin("f")["assignment"]["recipe"]
    assert tune.result("f", report(recipe, 1)), "on another GPU the trial goes on"
    tune.controller.stopping = "interrupted"
    with pytest.raises(StudyEnded):
        tune.bridge.look_around()


def test_trials_that_wait_for_a_cluster_are_told_of_ever_more_seldom(
    tune: FakeTune, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    place = {"host": "here", "node": "1", "pid": 7, "device": "cpu"}
    tune.begin("a")
    tune.begin("b")
    tune.result("a", Placed(place))
    for second in range(250):
        now[0] = float(second)
        tune.result("a", Waiting(""))
        tune.bridge.look_around()
    told = [line for line in tune.said if line]
    assert [line.split(" for ")[1].split(";")[0] for line in told] == [
        "30 s",
        "60 s",
        "120 s",
        "240 s",
    ]
    assert told[0].endswith("a trial asks for 2 CPU")

    tune.said.clear()
    tune.result("b", Placed(place))
    tune.begin("c")
    for second in range(250, 281):
        now[0] = float(second)
        tune.result("a", Waiting(""))
        tune.result("b", Waiting(""))
        tune.bridge.look_around()
    assert len([line for line in tune.said if line]) == 1, "another wait is told from its beginning"


def test_a_lost_worker_and_a_lost_tune_cost_attempts(tune: FakeTune) -> None:
    tune.begin("a")
    tune.begin("b")
    tune.bridge.on_worker_lost(tune.trial("a"))
    tune.bridge.on_tune_lost(RuntimeError("Tune has had enough"))
    failures = [trial.attempts[0].failure for trial in tune.controller.history.trials]
    assert [found.failure_class for found in failures] == ["node", "node"]
    assert "Tune has had enough" in failures[1].message
    tune.begin("c")
    assert tune.controller.history.trials[0].attempt.number == 2, "the trial is tried again"


def test_a_worker_that_falls_silent_is_killed_unless_the_driver_itself_stood_still(
    tune: FakeTune, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[Any] = []
    now = [1000.0]
    monkeypatch.setattr(tune_bridge, "kill_worker", killed.append)
    monkeypatch.setattr(tune_bridge, "time", SimpleNamespace(monotonic=lambda: now[0]))
    recipe = tune.begin("a")["assignment"]["recipe"]
    tune.begin("b")  # whose worker is still being started
    tune.result("a", report(recipe, 1))
    tune.bridge.look_around()
    now[0] += 200
    tune.bridge.look_around()
    assert killed == [], "the driver has not looked for as long"
    for _ in range(30):
        now[0] += 4
        tune.bridge.look_around()
    assert killed == [tune.trial("a")]
    assert "has not answered" in tune.controller.history.trials[0].attempts[0].failure.message


def test_a_ray_that_is_gone_is_left_and_costs_the_running_attempts(tune: FakeTune) -> None:
    tune.begin("a")
    with RayWatch(lambda: "Ray's process raylet has ended", on_stuck=lambda reason: None) as watch:
        tune.bridge.watch = watch
        wait_for(lambda: watch.reason, "the loss to be noticed")
        with pytest.raises(LeaveRay):
            tune.bridge.look_around()
        lost = tune.bridge.on_ray_lost(watch.reason)
    resume = f"study resume fake --storage {tune.bridge.options.paths.storage}"
    assert str(lost) == f"Ray's process raylet has ended; when that is mended: {resume}"
    failure = tune.controller.history.trials[0].attempts[0].failure
    assert failure.failure_class == "node"
    assert failure.details == {"node_alive": False}


def test_workers_that_cannot_be_set_up_are_a_fault_after_a_few(
    tune: FakeTune, tmp_path: Path
) -> None:
    error = tmp_path / "error.txt"
    error.write_text("The actor died because of an error raised in its creation task, ImportError")
    for name in "abc":
        tune.bridge.look_around()
        tune.begin(name)
        tune.trial(name).error_file = str(error)
        tune.bridge.on_worker_lost(tune.trial(name))
        tune.bridge.on_trial_end(name)
    with pytest.raises(RayFault, match=r"3 workers in a row could not be set up: .*ImportError"):
        tune.bridge.look_around()


def test_a_trial_that_no_worker_takes_up_is_missed(
    tune: FakeTune, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(tune_bridge, "time", SimpleNamespace(monotonic=lambda: now[0]))
    tune.bridge.options.own_ray = True
    tune.bridge.look_around()
    tune.begin("a")
    now[0] += 5000  # the driver itself has stood still
    tune.bridge.look_around()
    for _ in range(80):
        now[0] += 4
        tune.bridge.look_around()
    tune.bridge.options.own_ray = False
    for _ in range(20):
        now[0] += 4
        tune.bridge.look_around()
    tune.bridge.options.own_ray = True
    with pytest.raises(WorkersMissing):
        tune.bridge.look_around()


def test_tune_is_left_once_the_study_stops_and_forgets_what_has_ended(tune: FakeTune) -> None:
    recipe = tune.begin("a")["assignment"]["recipe"]
    tune.result("a", report(recipe, 1))
    tune.bridge.on_trial_end("a")
    tune.bridge.look_around()
    assert not tune.trial("a").metric_analysis
    tune.controller.stopping = "interrupted"
    with pytest.raises(StudyEnded):
        tune.bridge.look_around()


def test_tune_keeps_nothing_of_the_study(tune: FakeTune) -> None:
    assert tune.bridge.__getstate__() == {}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The trials of Tune's whose workers were asked to set them aside."""
    found: list[str] = []
    monkeypatch.setattr(
        tune_bridge, "ask_to_set_aside", lambda tune_trial: found.append(tune_trial.trial_id)
    )
    return found


PLACE = {"host": "here", "node": "1", "pid": 7, "device": "cpu"}


def test_a_study_over_its_share_sets_trials_aside_at_their_epochs_ends(
    tune: FakeTune, asked: list[str]
) -> None:
    recipe = tune.begin("a")["assignment"]["recipe"]
    assert tune.result("a", Placed(PLACE))
    tune.share.leave = 1
    assert tune.result("a", report(recipe, 1, has_state=True)), "its worker has to save its state"
    assert asked == ["a"]
    tune.bridge.look_around()
    assert tune.share.needs[-1].held == {}
    assert not tune.result("a", SetAside(1))
    tune.bridge.on_trial_end("a")
    trial = tune.controller.history.trials[0]
    assert trial.is_set_aside
    again = tune.begin("b")["assignment"]
    assert (again["trial"], again["attempt"], again["epochs_reported"]) == (0, 2, 1)


def test_a_trial_on_a_node_that_leaves_is_set_aside_and_its_worker_gets_no_other(
    tune: FakeTune, asked: list[str]
) -> None:
    recipe = tune.begin("a")["assignment"]["recipe"]
    assert tune.result("a", Placed(PLACE))
    assert not tune.bridge.leaves_workers()
    tune.draining = {"1": math.inf}
    tune.leaving.look()
    tune.bridge.look_around()
    assert tune.said == ["node here is told to go: its trial goes on elsewhere"]
    assert tune.bridge.leaves_workers()
    tune.share.leave = 1
    assert tune.result("a", report(recipe, 1, has_state=True))
    assert asked == ["a"]
    assert tune.share.leave == 1, "no other has to make way for it"
    assert tune.result("a", Waiting("paused: its state can't be written"))
    assert not tune.result("a", SetAside(1))
    tune.bridge.on_trial_end("a")
    assert tune.bridge.leaves_workers()
    trial = tune.controller.history.trials[0]
    assert (trial.attempt.set_aside, trial.attempt.is_broken_off) == ("node-leaving", False)
    assert tune.begin("b")["assignment"]["epochs_reported"] == 1


def test_a_study_that_waits_for_nodes_asks_for_what_it_can_use_and_no_more(
    tune: FakeTune,
) -> None:
    tune.bridge.look_around()
    assert (tune.share.needs[-1].wanted, tune.share.needs[-1].asks) == (2, 0)
    tune.bridge.options.asks_for_nodes = True
    tune.bridge.look_around()
    assert tune.share.needs[-1].asks == 2
    tune.controller.stopping = "interrupted"
    with pytest.raises(StudyEnded):
        tune.bridge.look_around()
    assert tune.share.needs[-1].asks == 0


def test_where_nodes_come_and_go_a_worker_is_not_kept_for_long_without_a_trial(
    tune: FakeTune, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr(tune_bridge, "time", SimpleNamespace(monotonic=lambda: now[0]))
    tune.begin("a")
    now[0] += 60
    assert not tune.bridge.gives_back, "a cluster that stays as it is"
    tune.bridge.options.asks_for_nodes = True
    assert tune.bridge.gives_back
    tune.bridge.on_trial_end("a")
    assert not tune.bridge.gives_back
    now[0] += 11
    assert tune.bridge.gives_back


def test_a_worker_that_dies_with_a_node_that_leaves_is_no_failure(
    tune: FakeTune, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_bridge, "is_node_alive", lambda node: False)
    tune.begin("a")
    assert tune.result("a", Placed(PLACE))
    tune.draining = {"1": math.inf}
    tune.leaving.look()
    tune.bridge.on_worker_lost(tune.trial("a"))
    attempt = tune.controller.history.trials[0].attempt
    assert (attempt.set_aside, attempt.failure) == ("node-leaving", None)


def test_no_trial_without_a_state_is_set_aside_nor_one_that_has_done_its_epochs(
    tune: FakeTune, asked: list[str]
) -> None:
    assignment = tune.begin("a")["assignment"]
    recipe = assignment["recipe"]
    tune.result("a", Placed(PLACE))
    tune.share.leave = 9
    assert tune.result("a", report(recipe, 1))
    assert tune.result("a", Repeated(report(recipe, 1).row))
    for epoch in range(2, assignment["epochs"]):
        assert tune.result("a", report(recipe, epoch))
    assert tune.result("a", report(recipe, assignment["epochs"], has_state=True))
    tune.result("a", Finished("epochs", {}))
    assert asked == []


def test_nothing_starts_beyond_a_share_and_a_driver_without_trials_still_looks_around(
    tune: FakeTune,
) -> None:
    tune.share.most = 1
    recipe = tune.begin("a")["assignment"]["recipe"]
    tune.result("a", Placed(PLACE), report(recipe, 1))
    assert isinstance(tune.bridge.next_config("b"), WaitForTrials)
    assert tune.share.needs == []
    tune.bridge.look_around()
    assert (tune.share.needs[-1].held, tune.share.needs[-1].wanted) == ({"1": 1}, 2)
    tune.share.most = 0
    tune.controller.set_aside(0, 1, 1, "share")
    tune.bridge.on_trial_end("a")
    assert isinstance(tune.bridge.next_config("b"), WaitForTrials)
    assert (tune.share.needs[-1].held, tune.share.needs[-1].wanted) == ({}, 2)
    tune.controller.stopping = "interrupted"
    assert isinstance(tune.bridge.next_config("b"), NothingLeft)


def test_an_attempt_has_as_many_workers_as_the_nodes_that_are_left_have_room_for(
    tune: FakeTune, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [{"CPU": 2.0}, {"CPU": 2.0}]
    monkeypatch.setattr(tune_bridge, "node_resources", lambda but=(): nodes)
    workers = Workers(most=2, least=1)
    tune.bridge.options.resources = Resources(cpus=2, workers=workers)
    assert tune.begin("a")["workers"] == 2
    lost = Broken(Failure("node", "its place was lost", {"node_alive": False}), "h", "n", "")
    tune.result("a", lost)
    tune.bridge.on_trial_end("a")
    assert isinstance(tune.bridge.next_config("b"), WaitForTrials)
    nodes.pop()
    assert tune.begin("c")["workers"] == 1


def test_a_trial_that_its_worker_puts_down_anyway_makes_way_for_nobody(
    promoting: FakeTune, asked: list[str]
) -> None:
    tune = promoting
    assignment = tune.begin("a")["assignment"]
    assert assignment["until"] == 1
    tune.result("a", Placed(PLACE))
    tune.share.leave = 9
    assert tune.result("a", report(assignment["recipe"], 1, has_state=True))
    assert asked == []
    assert not tune.result("a", SetAside(1))
    tune.bridge.on_trial_end("a")
    trial = tune.controller.history.trials[0]
    assert (trial.state, trial.attempt.set_aside) == ("WAITING", "rung")
    assert tune.begin("b")["assignment"]["trial"] == 1
