"""Two studies side by side, at equal budget where one had more than the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.figures import mean_over_seeds, metric_mean
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import best_row
from analysis.selection.trials import (
    complete_trials,
    confirmation_trials,
    counted_trials,
    fresh_trials,
    image_hashes,
    rows_of_point,
    search_trials,
)
from analysis.statistics import Difference, Estimate, level_for
from analysis.tables.effort.cost import total_hours
from analysis.tables.points.best_of_n import drawn_values
from study.errors import UserError
from study.journal.ranking import CONFIRMED

_MOST_DIFFERENCES = 20


def comparison_table(a: Frames, b: Frames) -> Table:
    """Return what each of two studies found and spent; differences are b less a.

    They are paired where the seeds are the same, else Welch's, and hold together. UserError where
    the studies have different objectives.
    """
    objective, other = objective_of(a), objective_of(b)
    if (objective.metric, objective.direction) != (other.metric, other.direction):
        raise UserError(
            f"{a.study.name} and {b.study.name} have different objectives: their values don't"
            " compare"
        )
    best = _best_points(a, b)
    columns = {
        f"its {objective.metric}": "value",
        "its test_accuracy": "test_accuracy",
        "its total_seconds": "total_seconds",
    }
    # the figures that both have, and the expected best
    comparisons = 1 + sum(best.have_both(column) for column in columns.values())
    rows: list[list[Cell]] = [["best point", *best.points, None, None]]
    for name, column in columns.items():
        figures = [_figure(trials, column, objective.metric) for trials in best.trials]
        difference = _difference(best, column, comparisons)
        rows.append([name, *figures, difference, _seeds_compared(best)])
    rows.append(_expected_best(a, b, comparisons))
    everything = [results.with_dropped() for results in (a, b)]  # for these were paid too
    for name, count in _COUNTS.items():
        ours, theirs = map(count, everything)
        rows.append([name, ours, theirs, theirs - ours, None])
    headers = [
        Header("quantity"),
        Header(a.study.name),
        Header(b.study.name),
        Header("difference", signed=True),
        Header("compared over"),
    ]
    filled = [row for row in rows if any(_says_something(cell) for cell in row[1:4])]
    title = f"{a.study.name} and {b.study.name}"
    return make_table(title, headers, filled, _notes_on(a, b, best, comparisons))


@dataclass(frozen=True)
class _BestPoints:
    """The best point of each of two studies, with the trials that its figures are of."""

    points: list[int | None]
    trials: list[pd.DataFrame]
    are_confirmed: bool
    """Both have fresh seeds, so the trials are those; else they are the search's."""

    def have_both(self, column: str) -> bool:
        """Return whether both have a figure in a column."""
        return all(trials[column].notna().any() for trials in self.trials)


def _best_points(a: Frames, b: Frames) -> _BestPoints:
    best = [(results, best_row(results)) for results in (a, b)]
    are_confirmed = all(point is not None and point["standing"] == CONFIRMED for _, point in best)
    points: list[int | None] = []
    trials = []
    for results, point in best:
        seeds = fresh_trials(results.trials) if are_confirmed else counted_trials(results.trials)
        points.append(int(point["point"]) if point else None)
        trials.append(rows_of_point(seeds, point) if point else seeds.iloc[:0])
    return _BestPoints(points, trials, are_confirmed)


def _figure(trials: pd.DataFrame, column: str, metric: str) -> Cell:
    """Return the mean of a column over a point's seeds."""
    if column == "value":
        return metric_mean(trials["value"], metric) if len(trials) else None
    return mean_over_seeds(trials, column)


def _difference(best: _BestPoints, column: str, comparisons: int) -> Difference | None:
    """Return b less a: paired where both have just the same seeds, else Welch's.

    None where one has no such figure.
    """
    a, b = (trials.dropna(subset=column) for trials in best.trials)
    if not len(a) or not len(b):
        return None
    level = level_for(comparisons)
    if _have_same_seeds(a, b):
        pairs = a.merge(b, on="seed", suffixes=("_a", "_b"))
        return statistics.paired_difference(pairs[f"{column}_b"], pairs[f"{column}_a"], level)
    return statistics.welch(b[column], a[column], level)


def _seeds_compared(best: _BestPoints) -> str | None:
    """Return over which seeds the best points' figures are compared."""
    a, b = best.trials
    if not len(a) or not len(b):
        return None
    if _have_same_seeds(a, b):
        return f"{len(a)} common seeds"
    return f"{len(a)} and {len(b)} seeds"


def _have_same_seeds(a: pd.DataFrame, b: pd.DataFrame) -> bool:
    """Return whether two points' trials can be paired: they have the same seeds, more than one."""
    return len(a) > 1 and set(a["seed"]) == set(b["seed"])


def _expected_best(a: Frames, b: Frames, comparisons: int) -> list[Cell]:
    """Return the row of what as many drawn points of each study may be expected to find."""
    objective = objective_of(a)
    smallest = objective.is_minimized
    ours, theirs = _all_drawn_values(a), _all_drawn_values(b)
    if not ours or not theirs:
        return ["expected best", None, None, None, None]
    level = level_for(comparisons)
    difference = statistics.expected_best_difference(theirs, ours, smallest=smallest, level=level)
    n = difference.estimate.n
    points = "points" if n > 1 else "point"
    return [
        f"expected best {objective.metric} of {n} {points}",
        statistics.expected_best(ours, n, smallest=smallest),
        statistics.expected_best(theirs, n, smallest=smallest),
        difference,
        f"{len(ours)} and {len(theirs)} points",
    ]


def _all_drawn_values(results: Frames) -> list[float]:
    """Return the values of all points as the sampler drew them, whatever their level."""
    values = []
    for of_level in drawn_values(results).values():
        values += of_level
    return values


def _search_count(results: Frames, state: str) -> int:
    """Return how many trials of the search are in a state."""
    states = search_trials(results.trials)["state"]
    return int((states == state).sum())


_COUNTS: dict[str, Callable[[Frames], float]] = {
    "points": lambda results: len(results.points),
    "complete trials": lambda results: len(complete_trials(search_trials(results.trials))),
    "pruned trials": lambda results: _search_count(results, "PRUNED"),
    "failed trials": lambda results: _search_count(results, "FAIL"),
    "trials on fresh seeds": lambda results: len(confirmation_trials(results.trials)),
    "epochs": lambda results: int(results.trials["epochs"].sum()),
    "trial hours": total_hours,
    "GPU hours": lambda results: total_hours(results, "gpu_seconds"),
}


def _says_something(cell: Cell) -> bool:
    """Return whether a cell is neither nothing nor an estimate of nothing."""
    if isinstance(cell, Estimate):
        return cell.n > 0
    return cell is not None


def _notes_on(a: Frames, b: Frames, best: _BestPoints, comparisons: int) -> list[str]:
    if best.are_confirmed:
        seeds = "those on fresh seeds, which had no part in choosing them"
    else:
        seeds = "those of the search, whose luck helped to choose them"
    notes = [
        f"Figures of the best points are {seeds}.",
        "Differences are paired by seed where both have just the same seeds.",
    ]
    if comparisons > 1:
        notes.append(
            f"Differences of figures have intervals and p values that hold for all {comparisons}"
            " together."
        )
    notes.append(
        "The expected best is compared at equal numbers of points, not of epochs or hours."
    )
    theirs = image_hashes(b)
    notes += [
        f"They had other images of {name}: their figures don't compare."
        for name, hashes in image_hashes(a).items()
        if name in theirs and theirs[name] != hashes
    ]
    differences = a.study.spec.differences(b.study.spec)
    notes += [f"The study files differ in {line}" for line in differences[:_MOST_DIFFERENCES]]
    return notes
