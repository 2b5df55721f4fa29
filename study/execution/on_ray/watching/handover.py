"""Trials on nodes that leave are handed over: set aside with their states, to go on elsewhere.

Most end their epoch first, which the bridge sees to. Here stands what becomes of the others, whose
epoch would end too late or whose node has gone under it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Set

from study.controller.controller import Controller
from study.execution.on_ray.ray_internals import kill_worker
from study.execution.on_ray.running_trial import RunningTrial
from study.execution.on_ray.watching.leaving_nodes import LeavingNodes
from study.journal.failure import Failure
from study.journal.trials import Attempt


class Handover:
    """What a driver does about nodes that leave."""

    def __init__(
        self, controller: Controller, leaving: LeavingNodes, say: Callable[[str], None]
    ) -> None:
        self._controller = controller
        self._leaving = leaving
        self._say = say
        self._seen: set[str] = set()
        """The nodes that leave, as far as something was done about them."""
        self._may_idle_there = False

    @property
    def nodes(self) -> Set[str]:
        """The nodes that were told to go."""
        return self._leaving.nodes

    def is_leaving(self, node: str) -> bool:
        """Whether the node with this id was told to go."""
        return node in self._leaving.nodes

    def leaves_workers(self) -> bool:
        """Whether a worker without a trial may be on a node that leaves; asked once each time."""
        may_be_there, self._may_idle_there = self._may_idle_there, False
        return may_be_there

    def note_end(self, node: str) -> None:
        """Take notice that a trial has ended on a node, whose worker is free now."""
        self._may_idle_there |= self.is_leaving(node)

    def look(self, at_work: Collection[RunningTrial]) -> None:
        """Say which nodes leave, and break off what can't end its epoch there."""
        nodes = self._leaving.nodes
        if not nodes:
            return
        new = nodes - self._seen
        self._seen |= new
        self._may_idle_there |= bool(new)
        for node in new:
            self._tell(node, [each for each in at_work if self._attempt(each).node == node])
        for running in at_work:
            if running.tune_trial and self._is_too_late(running):
                self._break_off(running)
                kill_worker(running.tune_trial)
                running.tune_trial = None

    def takes(self, running: RunningTrial, failure: Failure) -> bool:
        """Record that a lost attempt was set aside, where its node was told to go; say whether."""
        if failure.failure_class != "node":
            return False
        if not self._leaving.was_told(self._attempt(running).node):
            return False
        self._break_off(running)
        return True

    def _break_off(self, running: RunningTrial) -> None:
        running.makes_way = "node-leaving"
        assignment = running.assignment
        self._controller.broken_off(assignment.trial, assignment.attempt, "node-leaving")

    def _attempt(self, running: RunningTrial) -> Attempt:
        return self._controller.history.trials[running.assignment.trial].attempt

    def _is_too_late(self, running: RunningTrial) -> bool:
        """Whether an attempt can't end its epoch on a node that leaves, nor, without a state to go
        on from, all of its training.
        """
        trial = self._controller.history.trials[running.assignment.trial]
        if not self.is_leaving(trial.attempt.node):
            return False
        ends = [row["time"] for row in trial.rows if row["attempt"] == trial.attempt.number]
        if len(ends) < 2:
            return self._leaving.is_too_late(trial.attempt.node, began_at=None, needs_s=None)
        to_do = (running.assignment.epochs or math.inf) - trial.epochs
        epochs = min(1.0, to_do) if running.has_state else to_do
        return self._leaving.is_too_late(
            trial.attempt.node, began_at=ends[-1], needs_s=epochs * (ends[-1] - ends[-2])
        )

    def _tell(self, node: str, there: list[RunningTrial]) -> None:
        if not there:
            return
        left_s = self._leaving.left_s(node)
        when = f" within {max(0.0, left_s):.0f} s" if left_s < math.inf else ""
        trials = "its trial goes" if len(there) == 1 else f"its {len(there)} trials go"
        self._say(f"node {self._attempt(there[0]).host} is told to go{when}: {trials} on elsewhere")
