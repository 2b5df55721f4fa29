"""Two studies side by side, at equal budget where one had more than the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.figures import mean_over_seeds, metric_mean
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import best_row
from analysis.selection.trials import (
    complete_trials,
    counted_trials,
    fresh_trials,
    rows_of_point,
    search_trials,
)
from analysis.statistics import Difference, Estimate, level_for
from analysis.tables.effort.cost import total_hours
from analysis.tables.points.best_of_n import drawn_values
from study.errors import UserError
from study.journal.ranking import CONFIRMED


def comparison_table(a: Frames, b: Frames) -> Table:
    """What each of two studies found and spent; differences are b less a, paired where their seeds
    are the same.
    """
    if objective_of(a) != objective_of(b):
        raise UserError(
            f"{a.study.name} and {b.study.name} have different objectives: their values don't"
            " compare"
        )
    metric = objective_of(a).metric
    best_ones = [best_row(results) for results in (a, b)]
    confirmed = all(point is not None and point["standing"] == CONFIRMED for point in best_ones)
    trials = [
        _trials_at(results, point, confirmed)
        for results, point in zip((a, b), best_ones, strict=True)
    ]
    columns = {
        f"its {metric}": "value",
        "its test_accuracy": "test_accuracy",
        "its total_seconds": "total_seconds",
    }
    comparisons = 1 + sum(
        all(rows[column].notna().any() for rows in trials) for column in columns.values()
    )
    rows: list[list[Cell]] = [
        [
            "best point",
            *(int(point["point"]) if point else None for point in best_ones),
            None,
            None,
        ],
        *(
            [
                *_row_of(name, trials, column, metric),
                _over(trials, column, comparisons),
                _seeds_compared(trials),
            ]
            for name, column in columns.items()
        ),
        _expected_best(a, b, comparisons),
        *(_counts(name, measure(a), measure(b)) for name, measure in _COUNTS.items()),
    ]
    headers = [
        Header("quantity"),
        Header(a.study.name),
        Header(b.study.name),
        Header("difference", signed=True),
        Header("compared over"),
    ]
    rows = [row for row in rows if any(_shown(value) for value in row[1:4])]
    return make_table(
        f"{a.study.name} and {b.study.name}", headers, rows, _notes_on(a, b, confirmed, comparisons)
    )


def _row_of(name: str, trials: list[pd.DataFrame], column: str, metric: str) -> list[Cell]:
    return [name, *(_figure(rows, column, metric) for rows in trials)]


def _figure(rows: pd.DataFrame, column: str, metric: str) -> Cell:
    if column == "value":
        return metric_mean(rows["value"], metric) if len(rows) else None
    return mean_over_seeds(rows, column)


def _trials_at(results: Frames, point: dict[str, Any] | None, confirmed: bool) -> pd.DataFrame:
    """A point's fresh seeds where both studies' best ones have them, else the seeds of the
    search.
    """
    trials = fresh_trials(results.trials) if confirmed else counted_trials(results.trials)
    return rows_of_point(trials, point) if point else trials.iloc[:0]


def _expected_best(a: Frames, b: Frames, comparisons: int) -> list[Cell]:
    """What as many points of each may be expected to find, from those that a sampler drew."""
    metric, smallest = objective_of(a).metric, objective_of(a).is_minimized
    a_draws, b_draws = (
        [value for level in drawn_values(results).values() for value in level] for results in (a, b)
    )
    if not a_draws or not b_draws:
        return ["expected best", None, None, None, None]
    found = statistics.expected_best_difference(
        b_draws, a_draws, smallest=smallest, level=level_for(comparisons)
    )
    n = found.estimate.n
    values = (
        statistics.expected_best(sample, n, smallest=smallest) for sample in (a_draws, b_draws)
    )
    drawn = f"{len(a_draws)} and {len(b_draws)} points"
    return [f"expected best {metric} of {n} point{'s' if n > 1 else ''}", *values, found, drawn]


_COUNTS: dict[str, Callable[[Frames], float]] = {
    "points": lambda results: len(results.points),
    "complete trials": lambda results: len(complete_trials(search_trials(results.trials))),
    "pruned trials": lambda results: int(
        (search_trials(results.trials)["state"] == "PRUNED").sum()
    ),
    "failed trials": lambda results: int((search_trials(results.trials)["state"] == "FAIL").sum()),
    "trials on fresh seeds": lambda results: int((results.trials["kind"] == "confirm").sum()),
    "epochs": lambda results: int(results.trials["epochs"].sum()),
    "trial hours": total_hours,
    "GPU hours": lambda results: total_hours(results, "gpu_seconds"),
}


def _counts(name: str, a: float, b: float) -> list[Cell]:
    return [name, a, b, b - a, None]


def _shown(value: Cell) -> bool:
    """Whether a cell says something: neither nothing nor an estimate of nothing."""
    return value is not None and not (isinstance(value, Estimate) and value.n == 0)


def _over(best_trials: list[pd.DataFrame], column: str, comparisons: int) -> Difference | None:
    """b less a: paired where both have just the same seeds, else Welch's; None where one has no
    such figure.
    """
    a, b = (trials.dropna(subset=column) for trials in best_trials)
    if not len(a) or not len(b):
        return None
    level = level_for(comparisons)
    if len(a) > 1 and set(a["seed"]) == set(b["seed"]):
        pairs = a.merge(b, on="seed", suffixes=("_a", "_b"))
        return statistics.paired_difference(pairs[f"{column}_b"], pairs[f"{column}_a"], level)
    return statistics.welch(b[column], a[column], level)


def _seeds_compared(best_trials: list[pd.DataFrame]) -> str | None:
    """Over which seeds the best points' figures are compared."""
    a, b = best_trials
    if not len(a) or not len(b):
        return None
    same = set(a["seed"]) == set(b["seed"])
    return f"{len(a)} common seeds" if same and len(a) > 1 else f"{len(a)} and {len(b)} seeds"


def _notes_on(a: Frames, b: Frames, confirmed: bool, comparisons: int) -> list[str]:
    seeds = (
        "Figures of the best points are those on fresh seeds, which had no part in choosing them."
        if confirmed
        else "Figures of the best points are those of the search, whose luck helped to choose them."
    )
    notes = [seeds, "Differences are paired by seed where both have just the same seeds."]
    if comparisons > 1:
        notes.append(
            f"Differences of figures have intervals and p values that hold for all {comparisons}"
            " together."
        )
    notes.append(
        "The expected best is compared at equal numbers of points, not of epochs or hours."
    )
    notes += [
        f"The study files differ in {line}" for line in a.study.spec.differences(b.study.spec)[:20]
    ]
    return notes
