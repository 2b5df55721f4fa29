"""Where the differences between trials come from: points, seeds, and the images they are judged on.

Figures are standard deviations in the unit of the objective, from the components of variance of the
points' seeds.
"""

from __future__ import annotations

import math

from analysis import statistics
from analysis.frames import Frames
from analysis.selection.figures import image_count
from analysis.selection.objectives import objective_of
from analysis.selection.trials import POINT_KEY, counted_trials

_WIDE = 1.96
"""Standard deviations on either side of what holds 95 % of a normal law."""


def variation_sentences(results: Frames) -> list[str]:
    """Return a sentence on the objective's components of variance; none where they are unknown.

    They are known where some point has several seeds.
    """
    trials = counted_trials(results.trials)
    points = trials.groupby(POINT_KEY)["value"]
    found = statistics.variance_components([values.to_numpy(float) for _, values in points])
    if math.isnan(found.seeds):
        return []
    metric = objective_of(results).metric
    return [
        f"{metric} varies with a standard deviation of {found.points:.4f} between the complete"
        f" points, and of {found.typical_seeds:.4f} between the seeds of a typical one"
        f" ({found.seeds:.4f} over all of them){_images_text(results, metric)}."
    ]


def _images_text(results: Frames, metric: str) -> str:
    """Return how far other validation images might move the accuracy; empty where unknown."""
    if metric != "val_accuracy":
        return ""  # of macro averages the classes' own numbers of images would be needed
    trials = counted_trials(results.trials)
    images = image_count(trials, "validation")
    share = float(trials["value"].mean())
    if not images or not 0 < share < 1:
        return ""
    half = _WIDE * math.sqrt(share * (1 - share) / images)
    return f"; that it is measured on {images} images leaves ±{half:.4f} open for others (95 %)"
