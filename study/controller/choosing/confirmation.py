"""The confirmation: the best points and the baseline, trained once more on fresh seeds after the
search.
"""

from __future__ import annotations

from collections.abc import Sequence

from study.controller.population import Population
from study.journal.ranking import points_to_confirm
from study.journal.trials import Point, Trial

_FIRST_REPLICATE = 1000
"""Replicate numbers, and so seeds, of the confirmation begin here: they are fresh however many the
search has had.
"""
Confirmation = tuple[Point, int, Trial | None]
"""A point, the replicate number of one of its fresh seeds, and the trial where that has started."""


def confirmations(population: Population) -> list[Confirmation]:
    """Every trial that the confirmation asks for, in the order in which they start.

    They go seed by seed, so that at any moment all points have been treated alike. In older studies
    they go point by point. Then come those that were begun for points which others have outdone
    meanwhile, points that the user added, say: what was begun comes to its outcome.
    """
    spec, history = population.spec, population.history
    if spec.confirm is None:
        return []
    points = points_to_confirm(history.points, spec, whole_seeds=history.whole_seeds)
    replicates = range(_FIRST_REPLICATE, _FIRST_REPLICATE + spec.confirm.replicates)
    if history.whole_seeds:
        pairs = [(point, replicate) for replicate in replicates for point in points]
    else:
        pairs = [(point, replicate) for point in points for replicate in replicates]
    asked = [(point, replicate, point.trials.get(replicate)) for point, replicate in pairs]
    return asked + _begun_for_others(history.points, points)


def _begun_for_others(points: Sequence[Point], chosen: Sequence[Point]) -> list[Confirmation]:
    """The fresh seeds without an outcome of points that are not chosen any more."""
    begun: list[Confirmation] = []
    for point in points:
        if point in chosen:
            continue
        for trial in point.trials.values():
            if trial.kind == "confirm" and not trial.has_ended:
                begun.append((point, trial.replicate, trial))
    return begun
