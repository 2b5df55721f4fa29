"""What the list says of a study, as plain data: its status, and the interval of its best."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from study.files.layout import StudyPaths
from study.inspection.status import status_by_summary
from study.page.readings.followed_study import FollowedStudy
from study.results.summary.summary import Summary


def row_of(study: FollowedStudy) -> dict[str, Any]:
    """Return a study's status with what it cost, how long it will take, and the interval of its
    best point's value.
    """
    summary = study.summary()
    return _row(study.label, study.status_by(summary), summary, study.seconds_left())


def row_by_summary(label: str, paths: StudyPaths, summary: Summary) -> dict[str, Any]:
    """Return the same of a study that nobody drives, by what its last driver left."""
    return _row(label, status_by_summary(paths, summary), summary, None)


def _row(
    label: str, status: Mapping[str, Any], summary: Summary, seconds_left: float | None
) -> dict[str, Any]:
    best, low, high = best_interval(summary)
    return {
        "label": label,
        **status,
        "failures": summary.failures,
        "trial_seconds": summary.trial_seconds,
        "seconds_left": seconds_left,
        "best": best,
        "best_low": low,
        "best_high": high,
    }


def best_interval(summary: Summary) -> tuple[float | None, float | None, float | None]:
    """Return the value that the best point ranks by, and the ends of its 95 % interval: None for
    what isn't known. It is over fresh seeds where the point was confirmed on them.
    """
    if not summary.best_seeds:
        return summary.best, None, None
    from analysis.selection.figures import metric_mean  # which takes a second to load

    found = metric_mean(summary.best_seeds, summary.objective)
    if math.isnan(found.low):
        return found.value, None, None
    return found.value, found.low, found.high
