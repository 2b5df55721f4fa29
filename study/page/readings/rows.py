"""What the list says of a study, as plain data: its status, and the interval of its best."""

from __future__ import annotations

import math
from typing import Any

from study.journal.history import History
from study.journal.outcomes import trial_value
from study.journal.ranking import CONFIRMED, best_point, is_confirmation_over, standing
from study.page.readings.followed_study import FollowedStudy
from study.spec.spec import StudySpec


def row_of(study: FollowedStudy) -> dict[str, Any]:
    """Return a study's status with the interval of its best point's value."""
    status = study.status()
    best, low, high = best_interval(study.history, study.spec)
    return {**status, "best": best, "best_low": low, "best_high": high}


def best_interval(
    history: History, spec: StudySpec
) -> tuple[float | None, float | None, float | None]:
    """Return the value that the best point ranks by, and the ends of its 95 % interval: None for
    what isn't known. It is over fresh seeds where the point was confirmed on them.
    """
    from analysis.selection.figures import metric_mean  # which takes a second to load

    point = best_point(history.points, spec, whole_seeds=history.whole_seeds)
    if point is None:
        return None, None, None
    is_over = is_confirmation_over(history.points, spec, whole_seeds=history.whole_seeds)
    place = standing(point, spec, confirmed=is_over)
    seeds = [point.trials[seed] for seed in point.seeds]
    if place is not None and place.name == CONFIRMED:
        seeds = [trial for trial in point.trials.values() if trial.kind == "confirm"]
    objective = spec.objectives[0]
    values = [trial_value(trial, objective) for trial in seeds if trial.rows]
    if not values:
        return point.first_value, None, None
    found = metric_mean(values, objective.metric)
    if math.isnan(found.low):
        return found.value, None, None
    return found.value, found.low, found.high
