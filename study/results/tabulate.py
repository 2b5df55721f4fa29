"""A study's history and spec as the three Arrow tables, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from study.journal.history import History
from study.journal.trials import Trial
from study.results.arrow_table import arrow_table
from study.results.cells import Row
from study.results.figures import Figures
from study.results.point_rows import point_rows
from study.results.recipe_cells import RecipeCells
from study.results.trial_rows import trial_rows

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_OF_RECIPES = Figures()


@dataclass(frozen=True)
class Tables:
    """The three tables of one study."""

    points: pa.Table
    trials: pa.Table
    epochs: pa.Table

    def without_dropped(self) -> Tables:
        """Return the tables without the points that the user dropped, and their trials."""
        dropped = self.points.filter(self.points["dropped"])["point"]
        if not len(dropped):
            return self
        import pyarrow.compute as pc  # which few studies need

        kept = []
        for table in (self.points, self.trials, self.epochs):
            is_dropped = pc.is_in(table["point"], value_set=dropped.combine_chunks())
            kept.append(table.filter(pc.invert(is_dropped)))
        return Tables(*kept)


def tabulate(history: History, spec: StudySpec, *, with_epochs: bool = True) -> Tables:
    """Tabulate everything that is known of a study, whatever state it is in.

    ``epochs`` has no rows where it isn't wanted.
    """
    recipes = RecipeCells(spec)
    figures = Figures.of(spec)
    metrics = figures.metrics_in(history.trials)
    return Tables(
        points=arrow_table("points", point_rows(history, spec, recipes), figures=figures),
        trials=arrow_table("trials", trial_rows(history, spec, recipes), metrics, figures),
        epochs=epochs_table(history.study, history.trials if with_epochs else (), figures),
    )


def epochs_table(study: str, trials: Sequence[Trial], figures: Figures = _OF_RECIPES) -> pa.Table:
    """Tabulate the epochs of these trials that count: each row as it was reported."""
    rows: list[Row] = []
    for trial in trials:
        of_trial = {
            "study": study,
            "trial": trial.number,
            "point": trial.point,
            "replicate": trial.replicate,
        }
        rows += [of_trial | row for row in trial.rows]
    return arrow_table("epochs", rows, figures=figures)
