"""Fresh seeds after the search: what the chosen points are really worth, against the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.factors import level_text
from analysis.selection.figures import as_cell, mean_over_seeds, metric_header, metric_mean
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import ranked_points
from analysis.selection.trials import (
    confirmation_trials,
    counted_trials,
    fresh_trials,
    rows_of_point,
    trials_with,
)
from analysis.statistics import Estimate, level_for
from analysis.tables.points.winners import (
    FURTHER_SEEDS_NOTE,
    factor_compared,
    fresh_difference,
    further_seeds,
    lost_seed_count,
    points_with_fresh_seeds,
    together_note,
    verdict,
)

_TITLE = "Confirmation on fresh seeds"


def confirmation_table(results: Frames) -> Table:
    """Return each point with fresh seeds: its value by the search, on those, and the verdict.

    The verdict is of its difference from the baseline, paired by seed; all of them hold together.
    """
    points = confirmation_points(results)
    baseline = baseline_point(results)
    begun = points_with_fresh_seeds(results)
    numbers = [int(point) for point in points["point"]]
    rivals = [point for point in numbers if point in begun and point != baseline]
    if baseline not in begun:
        rivals = []
    factor = factor_compared(results)
    metric = objective_of(results).metric
    trials = trials_with(results)
    rows: list[list[Cell]] = []
    for point in points.to_dict("records"):
        number = int(point["point"])
        searched = rows_of_point(counted_trials(trials), point)
        fresh = rows_of_point(fresh_trials(trials), point)
        is_baseline = number == baseline
        rows.append(
            [
                number,
                _role(point, is_baseline),
                level_text(point[factor]) if factor else None,
                metric_mean(searched["value"], metric) if len(searched) else None,
                metric_mean(fresh["value"], metric) if len(fresh) else None,
                len(fresh),
                _other_seeds_text(results, number),
                mean_over_seeds(fresh, "test_accuracy"),
                None if is_baseline else _fresh_less_search(fresh, searched),
                *_against_baseline(results, number, baseline, rivals),
            ]
        )
    headers = [
        Header("point"),
        Header("role"),
        Header(factor or "level"),
        metric_header("value", f"{metric} of the search"),
        metric_header("value", f"{metric} on fresh seeds"),
        Header("fresh seeds"),
        Header("other seeds"),
        metric_header("test_accuracy", "test_accuracy on fresh seeds"),
        metric_header("value", "fresh less search", signed=True),
        metric_header("value", "over the baseline", signed=True),
        Header("verdict"),
        Header("further seeds", digits=0),
    ]
    if not rows:
        return make_table(_TITLE, headers, rows, ["No fresh seeds have been run."])
    has_open_verdict = any(row[-1] is not None for row in rows)
    return make_table(_TITLE, headers, rows, _notes_on(results, len(rivals), has_open_verdict))


def _role(point: Mapping[Any, Any], is_baseline: bool) -> str:
    if is_baseline:
        return "baseline"
    return "chosen" if point["chosen"] else "chosen before"


def _against_baseline(
    results: Frames, point: int, baseline: int | None, rivals: list[int]
) -> list[Cell]:
    """Return the difference from the baseline, the verdict, and the seeds it would take to tell."""
    if baseline is None or point not in rivals:
        return [None, None, None]
    comparisons = len(rivals)
    difference = fresh_difference(results, point, baseline, level_for(comparisons))
    is_minimized = objective_of(results).is_minimized
    return [
        difference,
        verdict(difference.estimate, is_minimized),
        further_seeds(results, point, baseline, comparisons),
    ]


def _notes_on(results: Frames, comparisons: int, has_open_verdict: bool) -> list[str]:
    notes = [
        "fresh less search: what of the search's value was luck in choosing the point, and the"
        " noise of both."
    ]
    if fresh_trials(trials_with(results))["test_accuracy"].notna().any():
        notes.append(
            "test_accuracy: the interval is over seeds and images: where it lies for new ones of"
            " both."
        )
    if comparisons > 1:
        notes.append(together_note(comparisons))
    if has_open_verdict:
        notes.append(FURTHER_SEEDS_NOTE)
    return notes


def confirmation_points(results: Frames) -> pd.DataFrame:
    """Return the points that have fresh seeds or are to get some, best first.

    Those without a value come last.
    """
    has_fresh = results.points["point"].isin(list(points_with_fresh_seeds(results)))
    is_chosen = results.points["chosen"].astype(bool)
    has_begun = results.points["confirmations"] > 0
    points = results.points[has_fresh | (has_begun & is_chosen)]
    places = {number: place for place, number in enumerate(ranked_points(results)["point"])}
    place = points["point"].map(places).fillna(len(places))
    return points.assign(place=place).sort_values(["place", "point"], kind="stable")


def baseline_point(results: Frames) -> int | None:
    """Return the point that the study file confirms against, None where it names none."""
    confirm = results.study.spec.confirm
    if confirm is None or confirm.against is None:
        return None
    points = results.points
    found = points.loc[points["entry"] == confirm.against, "point"]
    return int(found.iloc[0]) if len(found) else None


def _fresh_less_search(fresh: pd.DataFrame, searched: pd.DataFrame) -> Estimate | None:
    """Return the fresh seeds' mean less the search's, by Welch: they are other seeds and splits."""
    if not len(fresh) or not len(searched):
        return None
    return statistics.welch(fresh["value"], searched["value"]).estimate


def _other_seeds_text(results: Frames, point: int) -> str | None:
    """Return what became of the fresh seeds that have no value; None where all have one."""
    parts = []
    lost = lost_seed_count(results, point)
    if lost:
        parts.append(f"{lost} lost ({', '.join(_reasons(results, point))})")
    points = results.points
    to_come = points.loc[points["point"] == point, "seeds_to_come"].fillna(0).astype(int)
    if to_come.iloc[0]:
        parts.append(f"{to_come.iloc[0]} to come")
    return ", ".join(parts) or None


def _reasons(results: Frames, point: int) -> list[str]:
    """Return why fresh seeds of a point have no value, each reason once."""
    trials = confirmation_trials(trials_with(results))
    has_no_value = trials["state"].isin(["FAIL", "PRUNED"])
    failures = trials.loc[has_no_value & (trials["point"] == point), "failure"]
    return list(dict.fromkeys(str(as_cell(failure) or "stopped") for failure in failures))
