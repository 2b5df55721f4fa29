"""What a study decides, in sentences: winners against each other, points against the baseline.

Each sentence gives the differences that its verdict rests on, with intervals that hold together.
"""

from __future__ import annotations

import math

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Header, cell_text, format_number
from analysis.selection.factors import scientific_factor
from analysis.selection.figures import metric_mean
from analysis.selection.objectives import objective_of
from analysis.selection.trials import fresh_trials
from analysis.statistics import Difference, level_for
from analysis.tables.points.best_of_n import drawn_values
from analysis.tables.points.confirmation import baseline_point, confirmation_points
from analysis.tables.points.winners import (
    factor_compared,
    fresh_difference,
    in_fresh_order,
    verdict,
    winners_of,
)

CHANGE = Header("", digits=4, signed=True)
"""How differences read in sentences."""


def metric_text_header(metric: str) -> Header:
    """Return how a metric's values read in sentences."""
    return Header("", digits=1 if metric.endswith("seconds") else 4)


def winners_sentences(results: Frames) -> list[str]:
    """Return which winner leads on common fresh seeds, by a test against each other one.

    In a method study they are the levels' of the scientific factor; elsewhere the points that the
    search chose. Nothing where they don't all have two seeds in common.
    """
    names = winners_of(results)
    if len(names) < 2:
        return []
    leader, *others = in_fresh_order(results, names)
    level = level_for(math.comb(len(names), 2))
    found = {other: fresh_difference(results, leader, other, level) for other in others}
    if any(difference.estimate.n < 2 for difference in found.values()):
        return []
    labels = {
        point: f"{name} (point {point})" if name else f"point {point}"
        for point, name in names.items()
    }
    comparisons = [
        f"{labels[leader]} against {labels[other]}: {cell_text(difference, CHANGE)} on"
        f" {difference.estimate.n} common seeds"
        for other, difference in found.items()
    ]
    smallest = objective_of(results).is_minimized
    verdicts = [verdict(difference.estimate, smallest) for difference in found.values()]
    leads = all(found == "better" for found in verdicts)
    outcome = f"{names[leader] or labels[leader]} leads" if leads else "no order can be told"
    factor = factor_compared(results)
    if factor:
        which = f"Of each {factor} the best point was"
    else:
        which = "The points that the search chose were"
    return [f"{which} trained on fresh seeds, {'; '.join(comparisons)}; {outcome}."]


def baseline_sentences(results: Frames) -> list[str]:
    """Return what each chosen point and the baseline reach on fresh seeds, and how they differ."""
    baseline = baseline_point(results)
    points = [int(point) for point in confirmation_points(results)["point"]]
    if baseline is None or baseline not in points:
        return []
    rivals = [point for point in points if point != baseline]
    sentences = []
    for point in rivals:
        difference = fresh_difference(results, point, baseline, level_for(len(rivals)))
        if difference.estimate.n:
            sentences.append(
                f"Point {point} reaches {_fresh_text(results, point)} and the baseline, point"
                f" {baseline}, {_fresh_text(results, baseline)}, each on fresh seeds: a difference"
                f" of {cell_text(difference, CHANGE)}, {_verdict(results, difference)}."
            )
    return sentences


def _fresh_text(results: Frames, point: int) -> str:
    """Return a point's mean over fresh seeds."""
    trials = fresh_trials(results.trials)
    metric = objective_of(results).metric
    values = trials.loc[trials["point"] == point, "value"]
    return cell_text(metric_mean(values, metric), metric_text_header(metric))


def _verdict(results: Frames, difference: Difference) -> str:
    estimate = difference.estimate
    if not estimate.known:
        return "of which nothing can be told"
    if not estimate.excludes_zero:
        return "which can't be told from zero"
    is_less = estimate.value < 0
    is_better = is_less == objective_of(results).is_minimized
    return "so it is better" if is_better else "so it is worse"


def levels_sentences(results: Frames) -> list[str]:
    """Return what a number of points is expected to find in each level of the scientific factor.

    The number is the same for all levels, so they are compared at equal budget.
    """
    factor = scientific_factor(results)
    samples = drawn_values(results, factor) if factor else {}
    if len(samples) < 2:
        return []
    smallest = objective_of(results).is_minimized
    n = min(statistics.comparable_count(values, values) for values in samples.values())
    expected = {
        level: statistics.expected_best(values, n, smallest=smallest)
        for level, values in samples.items()
    }
    order = sorted(expected, key=lambda level: expected[level], reverse=not smallest)
    parts = [f"{level} {format_number(expected[level], 4)}" for level in order]
    first, second = order[:2]
    gap = statistics.expected_best_difference(samples[first], samples[second], n, smallest=smallest)
    difference = ""
    if gap.estimate.known:
        difference = f", a difference of {cell_text(gap, CHANGE)} between the first two"
    verdict = f"{first} leads" if gap.estimate.excludes_zero else "no order can be told"
    points = f"{n} points" if n > 1 else "1 point"
    return [
        f"With {points} each, the expected best by {factor} is: {'; '.join(parts)}{difference};"
        f" {verdict}."
    ]
