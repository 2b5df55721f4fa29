"""Trials on nodes that leave go on elsewhere: no failure, no retry, nothing done twice in vain."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.execution.on_ray.running_trial import RunningTrial
from study.execution.on_ray.watching import handover
from study.execution.on_ray.watching.handover import Handover
from study.execution.on_ray.watching.leaving_nodes import LeavingNodes
from study.journal.failure import Failure
from study.results.attempts import lost_seconds

from ....fake_cluster import Storage, controller_on, curve, small_spec

LOST = Failure("node", "the worker died", {"node_alive": False})


class TwoNodes:
    """A trial on node ``a``, of which Ray says what the test likes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.storage = Storage()
        self.controller: Controller = controller_on(self.storage, small_spec(pruner="none"))
        self.ends: dict[str, float] = {}
        self.gone: set[str] = set()
        self.now = 1000.0
        self.said: list[str] = []
        self.killed: list[Any] = []
        monkeypatch.setattr(handover, "kill_worker", self.killed.append)
        monkeypatch.setattr("study.journal.event_codec.time.time", lambda: self.now)
        self.leaving = LeavingNodes(lambda: self.ends, lambda: self.gone, lambda: self.now)
        self.handover = Handover(self.controller, self.leaving, self.said.append)
        self.running = self.begun("a")

    def begun(self, node: str) -> RunningTrial:
        assignment = self.controller.next()
        assert isinstance(assignment, Assignment)
        place = {"host": f"host-{node}", "node": node, "pid": 7, "device": "cpu"}
        self.controller.placed(assignment.trial, assignment.attempt, place)  # type: ignore[arg-type]
        return RunningTrial(assignment, tune_trial=SimpleNamespace(), has_state=True)

    def report(self, *epochs: int, each_s: float = 10.0) -> None:
        for epoch in epochs:
            self.now += each_s
            assignment = self.running.assignment
            row = {"epoch": epoch, "last": False, **curve(assignment.recipe, epoch)}
            self.controller.reported(assignment.trial, assignment.attempt, row)

    def tell(self, left_s: float) -> None:
        self.ends = {"a": self.now + left_s}
        self.leaving.look()

    def look(self) -> None:
        self.handover.look([self.running])

    @property
    def trial(self) -> Any:
        return self.controller.history.trials[0]


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> TwoNodes:
    return TwoNodes(monkeypatch)


def test_an_epoch_that_ends_in_time_is_let_end(nodes: TwoNodes) -> None:
    nodes.report(1, 2)
    nodes.tell(left_s=30)
    nodes.look()
    nodes.look()
    assert nodes.said == ["node host-a is told to go within 30 s: its trial goes on elsewhere"]
    assert nodes.trial.is_in_flight
    assert nodes.killed == []


def test_one_that_would_end_too_late_is_broken_off_at_once(nodes: TwoNodes) -> None:
    nodes.report(1, 2, each_s=100)
    nodes.now += 1
    nodes.tell(left_s=30)
    nodes.look()
    assert len(nodes.killed) == 1
    assert nodes.trial.is_set_aside
    event = nodes.storage.events[-1]
    assert (event["event"], event["why"], event["broken_off"]) == (
        "set_aside",
        "node-leaving",
        True,
    )
    assert event["epoch"] == 2
    assert nodes.trial.attempt.failure is None
    assert nodes.trial.state == "RUNNING", "for the sampler it still runs"
    again = nodes.controller.next()
    assert isinstance(again, Assignment)
    assert (again.trial, again.attempt, again.epochs_reported) == (0, 2, 2)
    assert [seconds for _, seconds in lost_seconds(nodes.trial)] == [1.0]


def test_one_of_unknown_length_is_broken_off_at_the_last_moment(nodes: TwoNodes) -> None:
    nodes.report(1)
    nodes.tell(left_s=30)
    nodes.look()
    assert nodes.trial.is_in_flight
    nodes.now += 28
    nodes.look()
    assert nodes.trial.is_set_aside
    nodes.look()
    assert len(nodes.killed) == 1


def test_a_trial_without_a_state_needs_time_for_all_its_epochs(nodes: TwoNodes) -> None:
    nodes.running.has_state = False
    nodes.report(1, 2)
    nodes.tell(left_s=60)
    nodes.look()
    assert nodes.trial.is_in_flight, "four epochs of 10 s"
    nodes.tell(left_s=30)
    nodes.look()
    assert nodes.trial.is_set_aside


def test_a_training_that_has_done_its_epochs_is_let_finish(nodes: TwoNodes) -> None:
    nodes.report(*range(1, 7), each_s=100)
    nodes.tell(left_s=30)
    nodes.look()
    assert nodes.killed == []


def test_a_worker_lost_with_a_node_that_was_told_to_go_is_no_failure(nodes: TwoNodes) -> None:
    nodes.report(1)
    assert not nodes.handover.takes(nodes.running, LOST), "nobody told it"
    nodes.gone = {"a"}
    assert not nodes.handover.takes(nodes.running, Failure("out_of_memory", "mine"))
    assert nodes.handover.takes(nodes.running, LOST)
    assert nodes.trial.attempt.set_aside == "node-leaving"
    assert nodes.trial.attempt.is_broken_off


def test_workers_without_a_trial_end_where_a_node_leaves(nodes: TwoNodes) -> None:
    assert not nodes.handover.leaves_workers()
    nodes.tell(left_s=30)
    nodes.look()
    assert nodes.handover.leaves_workers()
    assert not nodes.handover.leaves_workers(), "once"
    nodes.handover.note_end("b")
    assert not nodes.handover.leaves_workers()
    nodes.handover.note_end("a")
    assert nodes.handover.leaves_workers()
