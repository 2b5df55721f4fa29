"""Two studies side by side, at equal budget where one had more than the other."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from analysis import statistics
from analysis.budget import draws
from analysis.costs import hours
from analysis.query import Results
from analysis.statistics import Difference, Estimate
from analysis.table import Cell, Header, Table, table
from analysis.views import complete, goal, metric_mean, search
from study.errors import UserError


def compare(a: Results, b: Results) -> Table:
    """What each of two studies found and spent; differences are b less a, with Welch's intervals over seeds."""
    if goal(a) != goal(b):
        raise UserError(f"{a.study.name} and {b.study.name} have different objectives: their values don't compare")
    metric, smallest = goal(a).metric, goal(a).smallest
    best = [best_trials(results) for results in (a, b)]
    values = [[value for level in draws(results).values() for value in level] for results in (a, b)]
    equal = min(len(sample) for sample in values)
    expected = [statistics.best_of_n(sample, equal, smallest=smallest) if equal else None for sample in values]
    rows: list[list[Cell]] = [
        ["best point", *(int(trials["point"].iloc[0]) if len(trials) else None for trials in best), None],
        [f"its {metric}", *(metric_mean(trials["value"], metric) for trials in best), over(best, "value")],
        [
            "its test_accuracy",
            *(metric_mean(t["test_accuracy"], "test_accuracy") for t in best),
            over(best, "test_accuracy"),
        ],
        [
            "its total_seconds",
            *(metric_mean(t["total_seconds"], "total_seconds") for t in best),
            over(best, "total_seconds"),
        ],
        [f"expected best {metric} of {equal} points", *expected, difference(expected)],
        *(counts(name, measure(a), measure(b)) for name, measure in COUNTS.items()),
    ]
    headers = [
        Header("quantity"),
        Header(a.study.name),
        Header(b.study.name),
        Header("difference", signed=True),
    ]
    rows = [row for row in rows if any(shown(value) for value in row[1:])]
    return table(f"{a.study.name} and {b.study.name}", headers, rows, notes_on(a, b))


COUNTS: dict[str, Callable[[Results], float]] = {
    "points": lambda results: len(results.points),
    "complete trials": lambda results: len(complete(results.trials)),
    "pruned trials": lambda results: int((results.trials["state"] == "PRUNED").sum()),
    "failed trials": lambda results: int((results.trials["state"] == "FAIL").sum()),
    "trial hours": hours,
    "GPU hours": lambda results: hours(results, "gpu_seconds"),
}


def counts(name: str, a: float, b: float) -> list[Cell]:
    return [name, a, b, b - a]


def shown(value: Cell) -> bool:
    """Whether a cell says something: neither nothing nor an estimate of nothing."""
    return value is not None and not (isinstance(value, Estimate) and value.n == 0)


def best_trials(results: Results) -> pd.DataFrame:
    """The complete trials of the best point."""
    points = results.points.dropna(subset="value").sort_values("value", ascending=goal(results).smallest)
    trials = complete(search(results.trials))
    return trials[trials["point"].isin(points["point"].iloc[:1])]


def over(best: list[pd.DataFrame], column: str) -> Difference | None:
    """b less a, None where one of the two has no such figure."""
    a, b = (trials[column].dropna() for trials in best)
    return statistics.welch(b, a) if len(a) and len(b) else None


def difference(pair: list[float | None]) -> float | None:
    a, b = pair
    return None if a is None or b is None else b - a


def notes_on(a: Results, b: Results) -> list[str]:
    notes = ["Intervals are over the seeds of each study's best point, which its luck helped to choose."]
    notes += [f"The study files differ in {line}" for line in a.study.spec.differences(b.study.spec)[:20]]
    return notes
