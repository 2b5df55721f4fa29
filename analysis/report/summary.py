"""The study's answer in sentences, each with its figures."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Header, cell_text, format_number
from analysis.report.variation import variation_sentences
from analysis.selection.factors import scientific_factor
from analysis.selection.figures import as_cell, mean_test_accuracy, metric_mean
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import best_row, tied_with_best
from analysis.selection.settings import varied_settings
from analysis.selection.trials import counted_trials, fresh_trials, rows_of_point, search_trials
from analysis.statistics import Difference, level_for
from analysis.tables.effort.cost import SECONDS_AN_HOUR, duration_text
from analysis.tables.points.best_of_n import drawn_values
from analysis.tables.points.confirmation import baseline_point, points_to_confirm
from analysis.tables.points.winners import (
    factor_compared,
    fresh_difference,
    in_fresh_order,
    lost_seed_count,
    winners_of,
)
from study.journal.ranking import CONFIRMED

_FIGURE = Header("", digits=4)
_CHANGE = Header("", digits=4, signed=True)


def answer_sentences(results: Frames) -> list[str]:
    """The answer of one study, sentence by sentence, the most important first."""
    found = best_row(results)
    if found is None:
        return ["No point is complete yet, so there is no answer.", _effort(results)]
    decided = _winners_sentences(results)
    return [
        *(
            _confirmed_best(results, found)
            if found["standing"] == CONFIRMED
            else _searched_best(results, found)
        ),
        *decided,
        *_baseline_sentences(results),
        *([] if found["standing"] == CONFIRMED else _first_sentence(results, found)),
        *([] if decided else levels_sentences(results)),
        *variation_sentences(results),
        _effort(results),
    ]


def _confirmed_best(results: Frames, point: dict[str, Any]) -> list[str]:
    """What the best point reaches on seeds that had no part in the search; the search's own value
    in brackets.
    """
    metric, trials = (
        objective_of(results).metric,
        rows_of_point(fresh_trials(results.trials), point),
    )
    searched = metric_mean(rows_of_point(counted_trials(results.trials), point)["value"], metric)
    value = cell_text(metric_mean(trials["value"], metric), _header_of(metric))
    confirmed, seeds = (
        int((results.points["standing"] == CONFIRMED).sum()),
        _seeds_text(len(trials)),
    )
    extreme = "lowest" if objective_of(results).is_minimized else "highest"
    lead = f"Of {confirmed} points trained on {seeds}" if confirmed > 1 else f"On {seeds}"
    verb = f"has the {extreme} {metric}," if confirmed > 1 else f"reaches {metric}"
    return [
        (
            f"{lead} point {point['point']} {verb} {value}"
            f" ({cell_text(searched, _header_of(metric))} in the search, as one of"
            f" {_points_text(results)}){_accuracy_text(trials, ', test accuracy')};"
            f" {_described(results, point)}."
        ),
        *_tied_sentence(results),
        *_lost_sentence(results),
    ]


def _tied_sentence(results: Frames) -> list[str]:
    tied = tied_with_best(results)
    if not tied:
        return []
    return [
        f"Points {', '.join(map(str, tied[:-1]))} and {tied[-1]} tie for it; the lowest number is"
        " shown."
    ]


def _lost_sentence(results: Frames) -> list[str]:
    """Chosen points that aren't among the confirmed because a fresh seed of theirs ended without a
    value.
    """
    points = results.points[results.points["chosen"].astype(bool)]
    lost = [str(point) for point in points["point"] if lost_seed_count(results, int(point))]
    if not lost:
        return []
    names = f"Points {', '.join(lost)} were" if len(lost) > 1 else f"Point {lost[0]} was"
    return [f"{names} chosen too, and lost fresh seeds, so their value on those can't be told."]


def _searched_best(results: Frames, point: dict[str, Any]) -> list[str]:
    """The best value of a search without fresh seeds, and what there is to say against it."""
    aim, trials = objective_of(results), rows_of_point(counted_trials(results.trials), point)
    value = cell_text(metric_mean(trials["value"], aim.metric), _header_of(aim.metric))
    seeds = f"the mean of {_seeds_text(len(trials), '')}"
    wanted = results.study.spec.replicates
    if len(trials) < wanted:
        seeds += f" of {wanted}"
    among = _points_text(results)
    sentences = [
        f"The {'lowest' if aim.is_minimized else 'highest'} {aim.metric} of {among} is {value}"
        f" ({seeds}), at point {point['point']}: {_described(results, point)}."
        + (f" {test}." if (test := _accuracy_text(trials, "Its test accuracy is")) else "")
    ]
    sentences += _tied_sentence(results)
    if len(results.points) > 1:
        sentences.append(
            "It was chosen among them by its luck too: expect less of it on fresh seeds (confirm:)."
        )
    return sentences


def _seeds_text(count: int, kind: str = "fresh ") -> str:
    return f"{count} {kind}seeds" if count != 1 else f"one {kind}seed"


def _points_text(results: Frames) -> str:
    done = int(results.points["value"].notna().sum())
    return f"{done} complete points" if done > 1 else "the one complete point"


def _accuracy_text(trials: pd.DataFrame, lead: str) -> str:
    """``, test accuracy 0.8569 [0.81, 0.89] over seeds and images``; empty where there is none."""
    if "test_accuracy" not in trials or not trials["test_accuracy"].notna().any():
        return ""
    found = mean_test_accuracy(trials)
    return f"{lead} {cell_text(found, _FIGURE)}" + (" over seeds and images" if found.known else "")


def _header_of(metric: str) -> Header:
    return Header("", digits=1 if metric.endswith("seconds") else 4)


def _described(results: Frames, point: dict[str, Any]) -> str:
    """A point's settings in words: ``optimizer sgd, lr 0.1``."""
    parts = []
    for name in varied_settings(results):
        value = as_cell(point.get(name))
        if value is not None:
            text = cell_text(value, Header(""))
            parts.append(f"{name.removesuffix('.name').rpartition('.')[2]} {text}")
    return ", ".join(parts) or "the recipe as it stands"


def _winners_sentences(results: Frames) -> list[str]:
    """The winners on common fresh seeds: which leads, by a test against each other one.

    In a method study they are the levels' of the scientific factor; elsewhere the points that the
    search chose.
    """
    factor, names = factor_compared(results), winners_of(results)
    if len(names) < 2:
        return []
    order = in_fresh_order(results, names)
    level = level_for(math.comb(len(order), 2))
    leader, others = order[0], order[1:]
    found = {other: fresh_difference(results, leader, other, level) for other in others}
    if not all(difference.estimate.n > 1 for difference in found.values()):
        return []
    said = {
        point: f"{name} (point {point})" if name else f"point {point}"
        for point, name in names.items()
    }
    told = "; ".join(
        f"{said[leader]} against {said[other]}: {cell_text(difference, _CHANGE)} on"
        f" {difference.estimate.n} common seeds"
        for other, difference in found.items()
    )
    leads = all(difference.estimate.excludes_zero for difference in found.values())
    verdict = f"{names[leader] or said[leader]} leads" if leads else "no order can be told"
    which = (
        f"Of each {factor} the best point was"
        if factor
        else "The points that the search chose were"
    )
    return [f"{which} trained on fresh seeds, {told}; {verdict}."]


def _baseline_sentences(results: Frames) -> list[str]:
    """Each chosen point against the baseline on fresh seeds, with what both reach and how they
    differ.
    """
    baseline, points = (
        baseline_point(results),
        [int(point) for point in points_to_confirm(results)["point"]],
    )
    rivals = [point for point in points if point != baseline]
    if baseline not in points or baseline is None or not rivals:
        return []
    metric, trials = objective_of(results).metric, fresh_trials(results.trials)
    sentences = []
    for point in rivals:
        found = fresh_difference(results, point, baseline, level_for(len(rivals)))
        values = [
            cell_text(
                metric_mean(trials.loc[trials["point"] == one, "value"], metric), _header_of(metric)
            )
            for one in (point, baseline)
        ]
        if found.estimate.n:
            sentences.append(
                f"Point {point} reaches {values[0]} and the baseline, point {baseline},"
                f" {values[1]}, each on fresh seeds: a difference of {cell_text(found, _CHANGE)},"
                f" {_judged(found, objective_of(results).is_minimized)}."
            )
    return sentences


def _judged(difference: Difference, smallest: bool) -> str:
    if not difference.estimate.known:
        return "of which nothing can be told"
    if not difference.estimate.excludes_zero:
        return "which can't be told from zero"
    return "so it is better" if (difference.estimate.value < 0) == smallest else "so it is worse"


def _first_sentence(results: Frames, point: dict[str, Any]) -> list[str]:
    """The best point against the first that was written into the study file; no test, since the
    best was chosen.
    """
    firsts = results.points[(results.points["entry"] == 0) & results.points["value"].notna()]
    if not len(firsts) or firsts.iloc[0]["point"] == point["point"]:
        return []
    gap = float(point["value"]) - float(firsts.iloc[0]["value"])
    return [
        f"From first[0] (point {int(firsts.iloc[0]['point'])}) it differs by"
        f" {format_number(gap, 4, True)}; as it was chosen for that, only fresh seeds could tell"
        " whether it is more than luck."
    ]


def levels_sentences(results: Frames) -> list[str]:
    """The levels of the scientific factor at equal budget: what a number of points may be expected
    to find in each.
    """
    factor = scientific_factor(results)
    samples = drawn_values(results, factor) if factor else {}
    if len(samples) < 2:
        return []
    smallest, n = (
        objective_of(results).is_minimized,
        min(statistics.comparable_count(v, v) for v in samples.values()),
    )
    found = {
        level: statistics.expected_best(values, n, smallest=smallest)
        for level, values in samples.items()
    }
    order = sorted(found, key=lambda level: found[level], reverse=not smallest)
    parts = "; ".join(f"{level} {format_number(found[level], 4)}" for level in order)
    gap = statistics.expected_best_difference(
        samples[order[0]], samples[order[1]], n, smallest=smallest
    )
    verdict = f"{order[0]} leads" if gap.estimate.excludes_zero else "no order can be told"
    told = (
        f", a difference of {cell_text(gap, _CHANGE)} between the first two"
        if gap.estimate.known
        else ""
    )
    points = f"{n} points" if n > 1 else "1 point"
    return [f"With {points} each, the expected best by {factor} is: {parts}{told}; {verdict}."]


def _effort(results: Frames) -> str:
    """What was run, and what it took."""
    trials = results.trials
    counts = search_trials(trials)["state"].value_counts()
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"
    confirmations = int((trials["kind"] == "confirm").sum())
    gpu = trials["gpu_seconds"].sum() / SECONDS_AN_HOUR
    on_gpu = f" and {gpu:.2f} GPU hours" if gpu else ""
    more = f", {confirmations} more on fresh seeds" if confirmations else ""
    return (
        f"{len(results.points)} points were proposed and {len(trials) - confirmations} trials begun"
        f" ({states}){more}, which took {duration_text(float(trials['wall_seconds'].sum()))}"
        f" of workers' time{on_gpu}."
    )
