"""Which point is the best: the one definition that status, export, tables and reports use.

Once the confirmation is over, points with fresh seeds rank first, by those; then those with all
their seeds, by the search; then those with a part of them (raced out, or left over by the pruner in
a study of the time when it judged every seed). Until it is over the search ranks alone: else
whoever was confirmed first would be the best. Equal values tie, and the lower number counts as the
better.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from study.journal.outcomes import trial_value
from study.journal.trials import ENDED_STATES, Point, Trial

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


def standing(point: Point, spec: StudySpec, *, confirmed: bool) -> Standing | None:
    """Where a point stands, ``confirmed`` telling whether the confirmation is over; None where it
    has no value.
    """
    fresh = fresh_value(point, spec) if confirmed else None
    if point.value is None or fresh is None:
        return standing_in_search(point, spec)
    return Standing(STANDINGS.index(CONFIRMED), -spec.objectives[0].sign * fresh, point.number)


def standing_in_search(point: Point, spec: StudySpec) -> Standing | None:
    """The same by the search alone, as if no fresh seed had run."""
    if point.value is None:
        return None
    # while a finished study gets more seeds, a point's value of before stands: it is no part of
    # what was asked for then
    part = point.state == "COMPLETE" and len(point.seeds) < spec.replicates
    return Standing(
        STANDINGS.index(PARTIAL if part else SEARCHED),
        -spec.objectives[0].sign * point.first_value,
        point.number,
    )


def fresh_value(point: Point, spec: StudySpec) -> float | None:
    """The mean over a point's fresh seeds; None unless all that the study file asks for are
    COMPLETE.
    """
    trials = [trial for trial in point.trials.values() if trial.kind == "confirm"]
    if spec.confirm is None or len(trials) < spec.confirm.replicates:
        return None
    if any(
        trial.state != "COMPLETE" or not trial.rows or is_outgrown(trial, point) for trial in trials
    ):
        return None
    return sum(trial_value(trial, spec.objectives[0]) for trial in trials) / len(trials)


def is_outgrown(fresh: Trial, point: Point) -> bool:
    """Whether a study was extended by epochs since a fresh seed ended, so that the search's seeds
    trained longer.
    """
    trained = [
        _last_epoch(point.trials[seed])
        for seed in point.seeds
        if point.trials[seed].stop_reason == "epochs"
    ]
    ended = fresh.state == "COMPLETE" and fresh.stop_reason == "epochs"
    return ended and _last_epoch(fresh) < max(trained, default=0)


def _last_epoch(trial: Trial) -> int:
    return int(trial.rows[-1]["epoch"]) if trial.rows else 0


def to_confirm(points: Iterable[Point], spec: StudySpec, *, whole_seeds: bool) -> list[Point]:
    """Of these points the best, of each level in a method study, and the baseline; none where
    nothing is confirmed.

    They are chosen by the search: what fresh seeds have shown since has no say, or luck would
    choose once more.
    """
    if spec.confirm is None:
        return []
    points = list(points)
    levels: dict[int, list[Point]] = {}
    for point in points:
        if point.level is not None and point.state == "COMPLETE" and isinstance(point.value, float):
            levels.setdefault(point.level, []).append(point)
    best = [
        point
        for _, rivals in sorted(levels.items())
        for point in sorted(rivals, key=lambda point: _place_of(point, spec, whole_seeds))[
            : spec.confirm.top
        ]
    ]
    baseline = spec.confirm.against
    against = [point for point in points if baseline is not None and point.entry == baseline]
    return [*best, *(point for point in against if point not in best)]


def _place_of(point: Point, spec: StudySpec, whole_seeds: bool) -> Standing:
    """What the points of a level are sorted by; where seeds need not be whole, it doesn't count how
    many there are.
    """
    found = standing_in_search(point, spec) if whole_seeds else None
    return found or Standing(
        STANDINGS.index(SEARCHED), -spec.objectives[0].sign * point.first_value, point.number
    )


def seeds_to_come(point: Point, spec: StudySpec) -> int:
    """How many of a point's fresh seeds have no outcome yet, at the length that trainings have
    now.
    """
    if spec.confirm is None:
        return 0
    trials = [trial for trial in point.trials.values() if trial.kind == "confirm"]
    ended = sum(trial.state in ENDED_STATES and not is_outgrown(trial, point) for trial in trials)
    return max(0, spec.confirm.replicates - ended)


def is_confirmed(points: Sequence[Point], spec: StudySpec, *, whole_seeds: bool) -> bool:
    """Whether the confirmation is over: every point that it names has the outcomes of all its fresh
    seeds.
    """
    return not any(
        seeds_to_come(point, spec) for point in to_confirm(points, spec, whole_seeds=whole_seeds)
    )


def ranked(
    points: Sequence[Point], spec: StudySpec, *, whole_seeds: bool
) -> list[tuple[Standing, Point]]:
    """A study's points that have a value, best first."""
    return sorted(_placed(points, spec, whole_seeds=whole_seeds), key=lambda pair: pair[0])


def best_point(points: Sequence[Point], spec: StudySpec, *, whole_seeds: bool) -> Point | None:
    """The best of a study's points; of equal ones that with the lowest number."""
    found = _placed(points, spec, whole_seeds=whole_seeds)
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _placed(
    points: Sequence[Point], spec: StudySpec, *, whole_seeds: bool
) -> list[tuple[Standing, Point]]:
    """A study's points that have a value, in their own order, each with where it stands."""
    confirmed = is_confirmed(points, spec, whole_seeds=whole_seeds)
    return [
        (found, point)
        for point in points
        if (found := standing(point, spec, confirmed=confirmed)) is not None
    ]


def ranks(standings: list[Standing]) -> list[int]:
    """The ranks, from 1, of standings in their order; those that tie have the same."""
    found: list[int] = []
    for position, one in enumerate(standings):
        tied = position > 0 and one.ties_with(standings[position - 1])
        found.append(found[-1] if tied else position + 1)
    return found
