"""What a number of points may be expected to reach: the best of n, for each level of a factor."""

from __future__ import annotations

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.factors import has_level, level_text, levels_of, scientific_factor
from analysis.selection.figures import clip_to_metric, metric_header
from analysis.selection.objectives import objective_of
from analysis.selection.trials import POINT_KEY, search_trials
from study.journal.trials import ENDED_STATES
from study.spec.samplers import START_SIZES

_DRAWN = "sampler"
"""The origin of points that count: those of the user's own and of a grid are no draws."""

_SPREAD_NOTE = (
    "The first points of {samplers} were spread evenly over the space: they differ less from study"
    " to study than points drawn independently, so that the intervals are rather too wide."
)
_NOTES = (
    (
        "Points count as drawn independently, as a random sampler draws them; one that learns"
        " does better with time. Points of the user's own, of first: and of a grid don't count."
    ),
    (
        "Pruned points count with the value that they were stopped at, failed ones with the worst"
        " of all."
    ),
    (
        "These are values of the search, luck included: what the best of n points is really"
        " worth is less."
    ),
    "Intervals stand up to a quarter of the points: of more, the best one seen says too little.",
)


def best_of_n_table(results: Frames, factor: str = "") -> Table:
    """Return the expected best of n points, for the study or for each level of a factor.

    By default the factor is the scientific one, where there is one.
    """
    objective = objective_of(results)
    rows: list[list[Cell]] = []
    for level, values in drawn_values(results, factor).items():
        counts = _counts_shown(len(values))
        curve = statistics.expected_best_curve(values, counts, smallest=objective.is_minimized)
        for n, estimate in curve.items():
            rows.append([level or None, n, clip_to_metric(estimate, objective.metric)])
    headers = [
        Header(factor or scientific_factor(results) or "study"),
        Header("points"),
        metric_header("value", f"expected best {objective.metric}"),
    ]
    notes = [*_NOTES, *_spread_note(results)] if rows else ["No points were drawn by a sampler."]
    return make_table("Expected best of n points", headers, rows, notes)


def _spread_note(results: Frames) -> list[str]:
    """Say of which samplers the first points were spread over the space."""
    samplers = {
        study.spec.sampler.name
        for study in results.studies
        if study.history.begins_spread and study.spec.sampler.name in START_SIZES
    }
    return [_SPREAD_NOTE.format(samplers=" and ".join(sorted(samplers)))] if samplers else []


def drawn_values(results: Frames, factor: str = "") -> dict[str, list[float]]:
    """Return the values of each level's points, as the sampler drew them, by the level's text.

    They are all under ``""`` where there is no factor; levels without a point are left out.
    """
    name = factor or scientific_factor(results)
    points = _drawn_points(results)
    if name:
        levels = levels_of(results, points, name)
        groups = {level_text(level): points[has_level(points, name, level)] for level in levels}
    else:
        groups = {"": points}
    return {
        level: list(group["reached"].astype(float)) for level, group in groups.items() if len(group)
    }


def _drawn_points(results: Frames) -> pd.DataFrame:
    """Return the ended points that the sampler drew, with what each has ``reached``.

    That is its value, what it had reached where it was pruned, the worst of all where it failed.
    """
    is_drawn = results.points["origin"] == _DRAWN
    has_ended = results.points["state"].isin(ENDED_STATES)
    points = results.points[is_drawn & has_ended]
    value = points.set_index(POINT_KEY)["value"].astype(float)
    reached = value.fillna(_stopped_values(results).reindex(value.index))
    worst = reached.max() if objective_of(results).is_minimized else reached.min()
    has_failed = (points["state"] == "FAIL").to_numpy()
    reached = reached.mask(has_failed, worst)
    return points.assign(reached=reached.to_numpy()).dropna(subset="reached")


def _stopped_values(results: Frames) -> pd.Series[float]:
    """Return what each point's first seed had reached when it ended, by study and point.

    It is the objective's metric at its last or best epoch, as the study file wants it.
    """
    metric = objective_of(results).metric
    trials = search_trials(results.trials)
    first_seeds = trials[trials["replicate"] == 0]
    last, best = f"{metric}_last", f"{metric}_best"
    if last in first_seeds:
        wants_best = {
            study.name: study.spec.objectives[0].at == "best" for study in results.studies
        }
        is_best_wanted = first_seeds["study"].map(wants_best).astype(bool)
        figures = first_seeds[last].mask(is_best_wanted, first_seeds[best])
    else:  # the metric is one of a trial's summary, which epochs don't have
        figures = first_seeds["value"]
    keys = [first_seeds[name] for name in POINT_KEY]
    return figures.astype(float).groupby(keys).first()


def _counts_shown(most: int) -> list[int]:
    """Return 1, 2, 4, … and the last count; none where that is 0."""
    counts = []
    count = 1
    while count < most:
        counts.append(count)
        count *= 2
    return [*counts, most] if most else []
