"""Which point is the best: the one definition that status, export, tables and reports use.

Points that were confirmed rank first, by their fresh seeds; then those with all their seeds, by the search; then those
with a part of them (raced out, or left over by the pruner in a study of the time when it judged every seed). Equal
values tie, and the lower number counts as the better.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study.journal.history import Point, Trial
from study.journal.outcomes import first_value, trial_value

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

CONFIRMED, SEARCHED, PARTIAL = STANDINGS = ("confirmed", "searched", "partial")
"""By what a point is ranked, from what says most to what says least."""


@dataclass(frozen=True, order=True)
class Standing:
    """Where a point stands among those of its study: the lesser, the better."""

    tier: int
    loss: float
    """The value that it is ranked by, negated where more is better."""
    number: int

    @property
    def name(self) -> str:
        return STANDINGS[self.tier]

    def ties_with(self, other: Standing) -> bool:
        return (self.tier, self.loss) == (other.tier, other.loss)


def standing(point: Point, spec: StudySpec) -> Standing | None:
    """Where a point stands; None where it has no value."""
    fresh = fresh_value(point, spec)
    if point.value is None or fresh is None:
        return standing_in_search(point, spec)
    return Standing(STANDINGS.index(CONFIRMED), sign(spec) * fresh, point.number)


def standing_in_search(point: Point, spec: StudySpec) -> Standing | None:
    """The same by the search alone, as if no fresh seed had run."""
    if point.value is None:
        return None
    # while a finished study gets more seeds, a point's value of before stands: it is no part of what was asked for then
    part = point.state == "COMPLETE" and len(point.seeds) < spec.replicates
    return Standing(STANDINGS.index(PARTIAL if part else SEARCHED), sign(spec) * first_value(point.value), point.number)


def sign(spec: StudySpec) -> int:
    """What turns the first objective into a loss."""
    return -1 if spec.objectives[0].direction == "maximize" else 1


def fresh_value(point: Point, spec: StudySpec) -> float | None:
    """The mean over a point's fresh seeds; None unless all that the study file asks for are COMPLETE."""
    trials = [trial for trial in point.trials.values() if trial.kind == "confirm"]
    if spec.confirm is None or len(trials) < spec.confirm.replicates:
        return None
    if any(trial.state != "COMPLETE" or not trial.rows or is_outgrown(trial, point) for trial in trials):
        return None
    return sum(trial_value(trial, spec.objectives[0]) for trial in trials) / len(trials)


def is_outgrown(fresh: Trial, point: Point) -> bool:
    """Whether a study was extended by epochs since a fresh seed ended, so that the search's seeds trained longer."""
    search = [point.trials[replicate] for replicate in point.seeds]
    ended = [trial.epochs for trial in search if trial.stop_reason == "epochs"]
    return fresh.state == "COMPLETE" and fresh.stop_reason == "epochs" and fresh.epochs < max(ended, default=0)


def ranked(points: Iterable[Point], spec: StudySpec) -> list[tuple[Standing, Point]]:
    """The points that have a value, best first."""
    placed = [(found, point) for point in points if (found := standing(point, spec)) is not None]
    return sorted(placed, key=lambda pair: pair[0])


def best_point(points: Iterable[Point], spec: StudySpec) -> Point | None:
    """The best of the points; of equal ones that with the lowest number."""
    placed = [(found, point) for point in points if (found := standing(point, spec)) is not None]
    return min(placed, key=lambda pair: pair[0])[1] if placed else None


def ranks(standings: list[Standing]) -> list[int]:
    """The ranks, from 1, of standings in their order; those that tie have the same."""
    found: list[int] = []
    for position, one in enumerate(standings):
        tied = position > 0 and one.ties_with(standings[position - 1])
        found.append(found[-1] if tied else position + 1)
    return found
