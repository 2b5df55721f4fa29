"""Which figures of a study's epochs are metrics, and in which direction each is better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from study.journal.trials import Trial
from study.results.columns import Column
from study.results.schema import (
    TableName,
    columns_of_own,
    has_best_and_last,
    listed_columns,
)
from study.training.recipe.metric_catalog import FIXED_COLUMNS, Direction, is_minimized

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


@dataclass(frozen=True)
class Figures:
    """The figures of one study: those of the built-in training, or whatever a function reports."""

    is_own: bool = False
    """Whether the training is the user's own."""
    directions: Mapping[str, Direction] = field(default_factory=dict)
    """The objectives' of an own training; those of a recipe's metrics are in their nature."""

    @classmethod
    def of(cls, spec: StudySpec) -> Figures:
        """Return the figures of a study with this spec."""
        if spec.train is None:
            return cls()
        directions: dict[str, Direction] = {
            objective.metric: objective.direction for objective in spec.objectives
        }
        return cls(is_own=True, directions=directions)

    def listed_columns(self, table: TableName) -> tuple[Column, ...]:
        """Return the columns that a table has in every study of this kind."""
        return columns_of_own(table) if self.is_own else listed_columns(table)

    def metrics_in(self, trials: Iterable[Trial]) -> list[str]:
        """Return the figures of these trials that have a best and a last value.

        The built-in training reports them all in its first row; a function may begin later.
        """
        names: dict[str, None] = {}  # a set that keeps the order
        for trial in trials:
            for row in trial.rows if self.is_own else trial.rows[:1]:
                names |= dict.fromkeys(name for name in row if self._is_metric(name))
        return list(names)

    def is_less_better(self, metric: str) -> bool:
        """Return whether less of a metric is better: as the objective says, or by its nature."""
        direction = self.directions.get(metric)
        return is_minimized(metric) if direction is None else direction == "minimize"

    def _is_metric(self, name: str) -> bool:
        return name not in FIXED_COLUMNS if self.is_own else has_best_and_last(name)
