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
from study.journal.trials import Point, Trial

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

CONFIRMED, SEARCHED, PARTIAL = STANDINGS = ("confirmed", "searched", "partial")
"""By what a point may be ranked, from what says most to what says least."""


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
    """Where a point stands; None where it has no value.

    ``confirmed`` says whether the confirmation is over, so that fresh seeds count.
    """
    fresh = fresh_value(point, spec) if confirmed else None
    if point.value is None or fresh is None:
        return standing_in_search(point, spec)
    return Standing(STANDINGS.index(CONFIRMED), -spec.objectives[0].sign * fresh, point.number)


def standing_in_search(point: Point, spec: StudySpec) -> Standing | None:
    """Where a point stands by the search alone, as if no fresh seed had run."""
    if point.value is None:
        return None
    # A point that isn't COMPLETE here has just been given further seeds. Until they have run its
    # value of before stands, which took all the seeds that were asked for then.
    is_partial = point.state == "COMPLETE" and len(point.seeds) < spec.replicates
    return Standing(
        STANDINGS.index(PARTIAL if is_partial else SEARCHED),
        -spec.objectives[0].sign * point.first_value,
        point.number,
    )


def fresh_value(point: Point, spec: StudySpec) -> float | None:
    """The mean over a point's fresh seeds; None unless all that were asked for are COMPLETE."""
    trials = _fresh_trials(point)
    if spec.confirm is None or len(trials) < spec.confirm.replicates:
        return None
    for trial in trials:
        if trial.state != "COMPLETE" or not trial.rows or is_outgrown(trial, point):
            return None
    return sum(trial_value(trial, spec.objectives[0]) for trial in trials) / len(trials)


def _fresh_trials(point: Point) -> list[Trial]:
    return [trial for trial in point.trials.values() if trial.kind == "confirm"]


def is_outgrown(fresh: Trial, point: Point) -> bool:
    """Whether a fresh seed trained less than the search's seeds, since the study was extended.

    Trainings that ended for another reason than that their epochs were done say nothing of that.
    """
    if fresh.state != "COMPLETE" or fresh.stop_reason != "epochs":
        return False
    searched = [point.trials[seed] for seed in point.seeds]
    lengths = [_last_epoch(trial) for trial in searched if trial.stop_reason == "epochs"]
    return _last_epoch(fresh) < max(lengths, default=0)


def _last_epoch(trial: Trial) -> int:
    return int(trial.rows[-1]["epoch"]) if trial.rows else 0


def points_to_confirm(
    points: Iterable[Point], spec: StudySpec, *, whole_seeds: bool
) -> list[Point]:
    """The points that the confirmation trains on fresh seeds: the best ones and the baseline.

    In a method study they are the best of each level. They are chosen by the search alone. What
    fresh seeds have shown since has no say, or luck would choose once more.
    """
    confirm = spec.confirm
    if confirm is None:
        return []
    points = list(points)
    by_level: dict[int, list[Point]] = {}
    for point in points:
        has_value = point.state == "COMPLETE" and isinstance(point.value, float)
        if point.level is not None and has_value:
            by_level.setdefault(point.level, []).append(point)
    chosen: list[Point] = []
    for _, rivals in sorted(by_level.items()):
        rivals.sort(key=lambda point: _standing_among_rivals(point, spec, whole_seeds))
        chosen += rivals[: confirm.top]
    if confirm.against is not None:
        chosen += [
            point
            for point in points
            if point.entry == confirm.against and point not in chosen and not point.is_dropped
        ]
    return chosen


def _standing_among_rivals(point: Point, spec: StudySpec, whole_seeds: bool) -> Standing:
    """What the points of a level are sorted by.

    In older studies a value over a part of the seeds counts as much as one over all.
    """
    found = standing_in_search(point, spec) if whole_seeds else None
    if found is not None:
        return found
    loss = -spec.objectives[0].sign * point.first_value
    return Standing(STANDINGS.index(SEARCHED), loss, point.number)


def seeds_to_come(point: Point, spec: StudySpec) -> int:
    """How many of a point's fresh seeds have no outcome yet, at the length of trainings now."""
    if spec.confirm is None:
        return 0
    ended = [
        trial for trial in _fresh_trials(point) if trial.has_ended and not is_outgrown(trial, point)
    ]
    return max(0, spec.confirm.replicates - len(ended))


def is_confirmation_over(points: Sequence[Point], spec: StudySpec, *, whole_seeds: bool) -> bool:
    """Whether every point that is to be confirmed has the outcomes of all its fresh seeds."""
    named = points_to_confirm(points, spec, whole_seeds=whole_seeds)
    return not any(seeds_to_come(point, spec) for point in named)


def ranked(
    points: Sequence[Point], spec: StudySpec, *, whole_seeds: bool
) -> list[tuple[Standing, Point]]:
    """A study's points that have a value, each with its standing, best first."""
    return sorted(_with_standings(points, spec, whole_seeds=whole_seeds), key=lambda pair: pair[0])


def best_point(points: Sequence[Point], spec: StudySpec, *, whole_seeds: bool) -> Point | None:
    """The best of a study's points; None where none has a value."""
    found = _with_standings(points, spec, whole_seeds=whole_seeds)
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _with_standings(
    points: Sequence[Point], spec: StudySpec, *, whole_seeds: bool
) -> list[tuple[Standing, Point]]:
    """A study's points that have a value, in the order of their numbers, each with its standing."""
    is_over = is_confirmation_over(points, spec, whole_seeds=whole_seeds)
    pairs = []
    for point in points:
        found = standing(point, spec, confirmed=is_over)
        if found is not None:
            pairs.append((found, point))
    return pairs


def ranks(standings: list[Standing]) -> list[int]:
    """The ranks, from 1, of standings that are sorted; those that tie share the first of theirs."""
    found: list[int] = []
    for position, one in enumerate(standings):
        is_tie = position > 0 and one.ties_with(standings[position - 1])
        found.append(found[-1] if is_tie else position + 1)
    return found
