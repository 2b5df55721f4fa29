"""The confirmation: the best points and the baseline, trained once more on fresh seeds after the
search.
"""

from __future__ import annotations

from study.controller.population import Population
from study.journal.ranking import to_confirm
from study.journal.trials import Point, Trial

_CONFIRM_FROM = 1000
"""Replicate numbers, and so seeds, of confirmation trials begin here: they are fresh however many
the search had.
"""
Confirmation = tuple[Point, int, Trial | None]
"""A point, one of its fresh seeds, and the trial where that has started."""


def confirmations(population: Population) -> list[Confirmation]:
    """Every point and fresh seed that the confirmation asks for, in the order in which they run.

    Seed by seed, so that it treats all alike at any moment; point by point in studies of the time
    when seeds need not be whole.
    """
    confirm, history = population.spec.confirm, population.history
    if not confirm:
        return []
    points = to_confirm(history.points, population.spec, whole_seeds=history.whole_seeds)
    seeds = range(_CONFIRM_FROM, _CONFIRM_FROM + confirm.replicates)
    if history.whole_seeds:
        return [(point, seed, point.trials.get(seed)) for seed in seeds for point in points]
    return [(point, seed, point.trials.get(seed)) for point in points for seed in seeds]
