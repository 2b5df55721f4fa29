"""The objectives of the loaded studies, and in which direction a column is better."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.frames import Frames
from study.errors import UserError
from study.spec.sections import Objective
from study.training.recipe.metric_catalog import is_minimized


def objectives_of(results: Frames) -> list[Objective]:
    """Return the objectives of the loaded studies; UserError where the studies differ in them."""
    by_study = [list(study.spec.objectives) for study in results.studies]
    wanted = [[(one.metric, one.direction) for one in objectives] for objectives in by_study]
    if any(other != wanted[0] for other in wanted[1:]):
        names = ", ".join(study.name for study in results.studies)
        raise UserError(
            f"the studies {names} have different objectives and can't be ranked together"
        )
    return by_study[0]


def objective_of(results: Frames) -> Objective:
    """Return the first objective, which points are ranked by."""
    return objectives_of(results)[0]


def objective_text(objectives: Sequence[Objective]) -> str:
    """Return objectives as a title says them: ``val_accuracy (maximize)``."""
    return ", ".join(f"{one.metric} ({one.direction})" for one in objectives)


def is_less_better(results: Frames, metric: str) -> bool:
    """Return whether less of a metric is better.

    The objective's direction decides where the metric is one and all studies agree in it, else the
    metric's nature, which its name tells.
    """
    directions = {
        objective.is_minimized
        for study in results.studies
        for objective in study.spec.objectives
        if objective.metric == metric
    }
    if len(directions) == 1:
        return directions.pop()
    return is_minimized(metric)
