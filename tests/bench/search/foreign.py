"""A search by another library's own code, on the same workers of a virtual time.

What drives a library is a ``Search`` here: it names the trials that run, and says of each report
whether the trial goes on, is stopped, or is set aside until it is named again.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Protocol

from .distance import Stand
from .recorded import EPOCHS, SEEDS, RecordedSpace
from .story import Story

Answer = Literal["go", "stop", "pause"]


class Search(Protocol):
    """A library's search. Trials are known by their numbers."""

    def next(self) -> int | None:
        """The trial that a free worker shall take up, a new one or one that was set aside; None
        where there is none now.
        """
        ...

    def values(self, trial: int) -> Mapping[str, Any]:
        """The values of a trial that was named."""
        ...

    def report(self, trial: int, epoch: int, value: float) -> Answer:
        """What becomes of a trial after an epoch that isn't its last."""
        ...

    def end(self, trial: int, value: float | None) -> None:
        """A trial has come to its end with this value; None where it failed."""
        ...


class _Turn(NamedTuple):
    """The moment at which a worker has finished an epoch."""

    moment: float
    trial: int
    epoch: int


def run_foreign(space: RecordedSpace, search: Search, number: int, workers: int) -> Story:
    """Run a search to its end; ``number`` says which recorded seed it sees."""
    story, stand, seed = Story(), Stand(space.distance), number % SEEDS
    points: dict[int, int] = {}
    """By trial the recorded point that stands for it."""
    turns: list[_Turn] = []

    def train(trial: int, epoch: int, now: float) -> None:
        took = space.points[points[trial]].epoch_cost
        heapq.heappush(turns, _Turn(now + took, trial, epoch))

    now = 0.0
    epochs: dict[int, int] = {}
    while True:
        while len(turns) < workers:
            trial = search.next()
            if trial is None:
                break
            if trial not in points:
                points[trial] = stand.point_for(search.values(trial))
            train(trial, epochs.get(trial, 0) + 1, now)
        if not turns:
            return story
        now, trial, epoch = heapq.heappop(turns)
        story.train(now)
        epochs[trial] = epoch
        curve = space.points[points[trial]].curves[seed]
        if epoch > len(curve):
            search.end(trial, None)
        elif epoch == EPOCHS:
            story.finish(points[trial], curve[-1])
            search.end(trial, curve[-1])
        elif search.report(trial, epoch, curve[epoch - 1]) == "go":
            train(trial, epoch + 1, now)
