"""What a number of points may be expected to reach: the best of n, for each level of a scientific factor."""

from __future__ import annotations

from analysis import statistics
from analysis.levels import is_level, levels_of, scientific, text_of
from analysis.query import Results
from analysis.table import Cell, Header, Table, table
from analysis.views import goal, metric_header, search


def best_of_n(results: Results, factor: str = "") -> Table:
    """The expected best of n points, for the study or for each level of a scientific factor."""
    rows: list[list[Cell]] = []
    for level, values in draws(results, factor).items():
        curve = statistics.best_of_n_curve(values, counts_shown(len(values)), smallest=goal(results).smallest)
        rows += [[level or None, n, estimate] for n, estimate in curve.items()]
    headers = [
        Header(factor or scientific(results) or "study"),
        Header("points"),
        metric_header("value", f"expected best {goal(results).metric}"),
    ]
    notes = [
        "Points count as drawn independently, as a random sampler draws them; one that learns does better with time.",
        "Pruned points count with the value that they were stopped at; failed ones don't count.",
    ]
    return table("Expected best of n points", headers, rows, notes)


def draws(results: Results, factor: str = "") -> dict[str, list[float]]:
    """The values of the points of each level, as the sampler drew them; all under one name where there is no factor."""
    name = factor or scientific(results)
    rows = search(results.trials)
    rows = rows[rows["state"].isin(["COMPLETE", "PRUNED"]) & (rows["origin"] != "first")]
    last = f"{goal(results).metric}_last"
    reached = rows["value"].fillna(rows[last].astype(float)) if last in rows else rows["value"]
    rows = rows.assign(reached=reached)
    levels = levels_of(results, rows, name) if name else []
    groups = {text_of(level): rows[is_level(rows, name, level)] for level in levels} if name else {"": rows}
    means = {level: group.groupby(["study", "point"])["reached"].mean().dropna() for level, group in groups.items()}
    return {level: [float(value) for value in values] for level, values in means.items() if len(values)}


def counts_shown(most: int) -> list[int]:
    """1, 2, 4, … and the last."""
    return sorted({2**i for i in range(most.bit_length()) if 2**i <= most} | ({most} if most else set()))
