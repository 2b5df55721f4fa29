"""Fresh seeds after the search: what the chosen points are really worth, and whether they beat the
baseline.
"""

from __future__ import annotations

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.factors import level_text
from analysis.selection.figures import as_cell, mean_over_seeds, metric_header, metric_mean
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import ranked_points
from analysis.selection.trials import counted_trials, fresh_trials, rows_of_point
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


def confirmation_table(results: Frames) -> Table:
    """Each point with fresh seeds: its value by the search and on those, and the verdict against
    the baseline.
    """
    points = points_to_confirm(results)
    baseline = baseline_point(results)
    numbers = [int(point) for point in points["point"]]
    told = points_with_fresh_seeds(results)
    rivals = (
        len([number for number in numbers if number != baseline and number in told])
        if baseline in told
        else 0
    )
    factor, metric = factor_compared(results), objective_of(results).metric
    rows: list[list[Cell]] = []
    for point in points.to_dict("records"):
        number = int(point["point"])
        searched, found = (
            rows_of_point(of_kind(results.trials), point)
            for of_kind in (counted_trials, fresh_trials)
        )
        rival = baseline if rivals and number != baseline and number in told else None
        against = (
            None if rival is None else fresh_difference(results, number, rival, level_for(rivals))
        )
        rows.append(
            [
                number,
                (
                    "baseline"
                    if number == baseline
                    else "chosen"
                    if point["chosen"]
                    else "chosen before"
                ),
                level_text(point[factor]) if factor else None,
                metric_mean(searched["value"], metric) if len(searched) else None,
                metric_mean(found["value"], metric) if len(found) else None,
                len(found),
                _seeds_lost(results, number),
                mean_over_seeds(found, "test_accuracy"),
                _fresh_less_search(found, searched) if number != baseline else None,
                against,
                verdict(against.estimate, objective_of(results).is_minimized) if against else None,
                None if rival is None else further_seeds(results, number, rival, rivals),
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
        return make_table(
            "Confirmation on fresh seeds", headers, rows, ["No fresh seeds have been run."]
        )
    open_ones = any(row[-1] is not None for row in rows)
    return make_table(
        "Confirmation on fresh seeds", headers, rows, _notes_on(results, rivals, open_ones)
    )


def _notes_on(results: Frames, rivals: int, open_ones: bool) -> list[str]:
    notes = [
        "fresh less search: what of the search's value was luck in choosing the point, and the"
        " noise of both."
    ]
    if fresh_trials(results.trials)["test_accuracy"].notna().any():
        notes.append(
            "test_accuracy: the interval is over seeds and images: where it lies for new ones of"
            " both."
        )
    if rivals > 1:
        notes.append(together_note(rivals))
    if open_ones:
        notes.append(FURTHER_SEEDS_NOTE)
    return notes


def points_to_confirm(results: Frames) -> pd.DataFrame:
    """The points that have fresh seeds or are to get some, best first; those without a value
    last.
    """
    had = results.points["point"].isin(list(points_with_fresh_seeds(results)))
    begun = (results.points["confirmations"] > 0) & results.points["chosen"].astype(bool)
    points = results.points[had | begun]
    order = {number: place for place, number in enumerate(ranked_points(results)["point"])}
    places = points["point"].map(order).fillna(len(order))
    return points.assign(place=places).sort_values(["place", "point"], kind="stable")


def baseline_point(results: Frames) -> int | None:
    """The point that the study file confirms against, None where it names none."""
    confirm = results.study.spec.confirm
    if confirm is None or confirm.against is None:
        return None
    points = results.points
    found = points.loc[points["entry"] == confirm.against, "point"]
    return int(found.iloc[0]) if len(found) else None


def _fresh_less_search(found: pd.DataFrame, searched: pd.DataFrame) -> Estimate | None:
    """The fresh seeds' mean less the search's, by Welch: they are other seeds, and other splits."""
    if not len(found) or not len(searched):
        return None
    return statistics.welch(found["value"], searched["value"]).estimate


def _seeds_lost(results: Frames, point: int) -> str | None:
    """What became of the fresh seeds that have no value; None where all have one."""
    lost = lost_seed_count(results, point)
    trials = results.trials
    own = trials[(trials["point"] == point) & (trials["kind"] == "confirm")]
    to_come = (
        results.points.loc[results.points["point"] == point, "seeds_to_come"].fillna(0).astype(int)
    )
    running = int(to_come.iloc[0])
    kinds = [
        str(as_cell(kind) or "stopped")
        for kind in own.loc[own["state"].isin(["FAIL", "PRUNED"]), "failure"]
    ]
    parts = [f"{lost} lost ({', '.join(dict.fromkeys(kinds))})"] if lost else []
    return ", ".join([*parts, f"{running} to come"] if running else parts) or None
