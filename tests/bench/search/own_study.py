"""A search by the project itself: the real spec, controller, sampler and pruner, on workers of a
virtual time that read what they report from the recording.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.journal.events import StudyCreated
from study.journal.failure import Failure
from study.journal.history import FORMAT
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

from .distance import Stand
from .recorded import EPOCHS, SEEDS, RecordedSpace
from .story import Story


class _Turn(NamedTuple):
    """The moment at which a worker has finished an epoch."""

    moment: float
    order: int
    work: Assignment
    epoch: int


class OwnStudy:
    """One repetition: ``number`` is the sampler's seed, and says which recorded seed is seen."""

    def __init__(
        self,
        space: RecordedSpace,
        changes: Mapping[str, Any],
        number: int,
        workers: int,
        points: int,
    ) -> None:
        self._space = space
        self._seed = number % SEEDS
        self._workers = workers
        self._story = Story()
        self._turns: list[_Turn] = []
        self._order = 0
        self._stand = Stand(space.distance)
        self._at_end: dict[int, int] = {}
        """By trial whose training came to its end, and isn't decided on, the recorded point."""
        self._points: dict[int, int] = {}
        """By point of the study the recorded one."""
        spec = spec_with(space, {**changes, "points": points, "concurrency": workers}, number)
        self._metric = spec.objectives[0].metric
        self._controller = Controller(
            spec,
            lambda *records: None,
            workers=workers,
            nominal_cost=self._nominal_cost,
            reproducible=spec.reproducible,
            keep_going=True,
        )
        self._controller.record(
            StudyCreated(
                study=spec.study,
                format=FORMAT,
                reproducible=spec.reproducible,
                concurrency=workers,
                seeds="whole",
                start="spread",
            )
        )

    def run(self) -> Story:
        """Run the study to its end."""
        now = 0.0
        while True:
            while len(self._turns) < self._workers:
                work = self._controller.next()
                if not isinstance(work, Assignment):
                    break
                self._train(work, work.epochs_reported + 1, now)
            if not self._turns:
                return self._story
            turn = heapq.heappop(self._turns)
            now = turn.moment
            self._take(turn)
            self._note_ends()

    def _train(self, work: Assignment, epoch: int, now: float) -> None:
        """Have a worker busy with an epoch."""
        self._order += 1
        took = self._space.points[self._point(work)].epoch_cost
        heapq.heappush(self._turns, _Turn(now + took, self._order, work, epoch))

    def _take(self, turn: _Turn) -> None:
        """Hear what a worker says of the epoch that it has finished."""
        work, epoch = turn.work, turn.epoch
        self._story.train(turn.moment)
        if not self._controller.is_wanted(work.trial, work.attempt):
            return  # it was decided meanwhile that the trial had ended before
        point = self._point(work)
        curve = self._space.points[point].curves[self._seed]
        if epoch > len(curve):
            failure = Failure("diverged", "as it was recorded")
            self._controller.failed(work.trial, work.attempt, failure)
            return
        row = {
            "epoch": epoch,
            "last": epoch == EPOCHS,
            self._metric: curve[epoch - 1],
            "seconds": turn.moment,
        }
        goes_on = self._controller.reported(work.trial, work.attempt, row)
        if goes_on and epoch == EPOCHS:
            self._controller.finished(work.trial, work.attempt, "epochs", {})
            self._at_end[work.trial] = point
        elif goes_on and epoch == work.until:
            self._controller.set_aside(work.trial, work.attempt, epoch, "rung")
        elif goes_on:
            self._train(work, epoch + 1, turn.moment)

    def _note_ends(self) -> None:
        """Note which trainings that came to their end are COMPLETE by now.

        In a reproducible study that may take a while: what is decided late on an earlier epoch
        counts all the same.
        """
        for number, point in list(self._at_end.items()):
            trial = self._controller.history.trials[number]
            if trial.has_ended:
                del self._at_end[number]
            if trial.state == "COMPLETE":
                self._story.finish(point, self._space.points[point].curves[self._seed][-1])

    def _point(self, work: Assignment) -> int:
        """The recorded point that stands for an assignment's."""
        if work.point not in self._points:
            values = self._controller.history.points[work.point].values
            self._points[work.point] = self._stand.point_for(values)
        return self._points[work.point]

    def _nominal_cost(self, subject: Any) -> float:
        """What the virtual clock counts for an epoch: the recorded point's cost."""
        tree = subject.model_dump() if isinstance(subject, BaseModel) else subject
        values = {path: _at(tree, path) for path in self._space.spec.space.paths()}
        return self._space.points[self._stand.point_for(values)].epoch_cost


def spec_with(space: RecordedSpace, changes: Mapping[str, Any], number: int) -> StudySpec:
    """The study that recorded the space, with another search in it."""
    sampler = {**changes["sampler"], "seed": number}
    return spec_from_tree({**space.spec.tree(), "replicates": 1, **changes, "sampler": sampler})


def _at(tree: Any, path: str) -> Any:
    """A value of nested mappings by its dotted path; None where it isn't there."""
    for part in path.split("."):
        if not isinstance(tree, Mapping):
            return None
        tree = tree.get(part)
    return tree
