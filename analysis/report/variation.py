"""Where the differences between trials come from: the points, their seeds, the images they are
judged on.
"""

from __future__ import annotations

import math

from analysis import statistics
from analysis.frames import Frames
from analysis.selection import SHARES, counted, goal, images_of

_WIDE = 1.96
"""Standard deviations on either side of what holds 95 % of a normal law."""


def variation(results: Frames) -> list[str]:
    """One sentence with the components of variance of the objective; none where a point has one
    seed.
    """
    trials = counted(results.trials)
    groups = [group.to_numpy(float) for _, group in trials.groupby(["study", "point"])["value"]]
    found = statistics.components(groups)
    if math.isnan(found.seeds):
        return []
    metric = goal(results).metric
    return [
        f"{metric} varies with a standard deviation of {found.points:.4f} between the complete"
        f" points, and of {found.typical_seeds:.4f} between the seeds of a typical one"
        f" ({found.seeds:.4f} over all of them){_of_images(results, metric)}."
    ]


def _of_images(results: Frames, metric: str) -> str:
    """How far other validation images might move a share of them; empty where that isn't known."""
    trials = counted(results.trials)
    images, share = images_of(trials, "validation"), float(trials["value"].mean())
    if (
        not images
        or not metric.startswith("val_")
        or not any(name in metric for name in SHARES)
        or not 0 < share < 1
    ):
        return ""
    open_to = _WIDE * math.sqrt(share * (1 - share) / images)
    return f"; that it is measured on {images} images leaves ±{open_to:.4f} open for others (95 %)"
