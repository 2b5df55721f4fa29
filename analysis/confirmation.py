"""Fresh seeds after the search: is a winner better than the baseline, worse, or can't it be told?"""

from __future__ import annotations

import math

import pandas as pd

from analysis import statistics
from analysis.query import Results
from analysis.statistics import LEVEL, Difference, Estimate
from analysis.table import Cell, Header, Table, table
from analysis.views import complete, goal, metric_header, metric_mean


def confirmation(results: Results) -> Table:
    """Selection score and score on fresh seeds side by side, and the verdict against the baseline."""
    trials = complete(results.trials)
    trials = trials[trials["study"] == results.study.name]
    fresh = trials[trials["kind"] == "confirm"]
    chosen = [int(point) for point in fresh["point"].drop_duplicates()]
    baseline = baseline_point(results)
    rivals = max(1, len([point for point in chosen if point != baseline]))
    order = results.points.set_index("point")["value"].reindex(chosen).sort_values(ascending=goal(results).smallest)
    metric = goal(results).metric
    rows: list[list[Cell]] = []
    for point in order.index:
        ours = fresh[fresh["point"] == point]
        theirs = fresh[fresh["point"] == baseline]
        search_score = trials[(trials["point"] == point) & (trials["kind"] == "search")]["value"]
        against = versus(ours, theirs, rivals) if len(theirs) and point != baseline else None
        rows.append(
            [
                int(point),
                "baseline" if point == baseline else "chosen",
                metric_mean(search_score, metric),
                metric_mean(ours["value"], metric),
                len(ours),
                statistics.mean(ours["value"]).value - statistics.mean(search_score).value,
                against,
                verdict(against.estimate, goal(results).smallest) if against else None,
                more_seeds(ours, theirs, rivals) if against else None,
            ]
        )
    headers = [
        Header("point"),
        Header("role"),
        metric_header("value", f"{metric} of the search"),
        metric_header("value", f"{metric} on fresh seeds"),
        Header("fresh seeds"),
        metric_header("value", "shrinkage", signed=True),
        metric_header("value", "over the baseline", signed=True),
        Header("verdict"),
        Header("further seeds"),
    ]
    notes = ["shrinkage: what of the search's score was luck in choosing it."]
    if rivals > 1:
        notes.append(f"Intervals over the baseline are at {level_for(rivals):.1%}, so that all {rivals} hold together.")
    notes.append("further seeds: what it would take to tell, were the difference as large as it was found.")
    return table("Confirmation on fresh seeds", headers, rows, notes if rows else ["No fresh seeds have been run."])


def baseline_point(results: Results) -> int | None:
    """The point that the study file confirms against, None where it names none."""
    confirm = results.study.spec.confirm
    if confirm is None or confirm.against is None:
        return None
    points = results.points
    found = points.loc[points["entry"] == confirm.against, "point"]
    return int(found.iloc[0]) if len(found) else None


def level_for(rivals: int) -> float:
    """Bonferroni: the level of each of so many intervals that hold together at LEVEL."""
    return 1 - (1 - LEVEL) / rivals


def versus(ours: pd.DataFrame, theirs: pd.DataFrame, rivals: int = 1) -> Difference:
    """Paired by seed where at least two seeds are common, else Welch's."""
    pairs = paired(ours, theirs)
    if len(pairs) >= 2:
        return statistics.paired_difference(pairs["value_ours"], pairs["value_theirs"], level_for(rivals))
    return statistics.welch(ours["value"], theirs["value"], level_for(rivals))


def paired(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """The two values of each seed that both have."""
    return ours.merge(theirs, on="seed", suffixes=("_ours", "_theirs"))


def verdict(difference: Estimate, smallest: bool) -> str:
    """better, worse or cannot tell: whether the interval of a difference leaves zero out."""
    if not difference.excludes_zero:
        return "cannot tell"
    return "better" if (difference.value < 0) == smallest else "worse"


def more_seeds(ours: pd.DataFrame, theirs: pd.DataFrame, rivals: int = 1) -> int | None:
    """How many further seeds it would take to tell; None where it can be told, or never could."""
    difference = versus(ours, theirs, rivals).estimate
    pairs = paired(ours, theirs)
    if difference.excludes_zero or len(pairs) < 2:
        return None
    deviation = float((pairs["value_ours"] - pairs["value_theirs"]).std(ddof=1))
    needed = statistics.seeds_needed(deviation, difference.value, level_for(rivals))
    return None if needed is None or math.isnan(deviation) else max(1, needed - len(pairs))
