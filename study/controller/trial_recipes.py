"""The recipes that a study's trials train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from study.errors import SpecError
from study.journal.trials import Point, Trial

if TYPE_CHECKING:
    from study.spec.spec import StudySpec
    from study.training.recipe.recipe import Recipe


class TrialRecipes:
    """Gives the recipes of trials. The spec remembers the last few hundred of them."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec

    def recipe(
        self, values: Mapping[str, Any], seed: int, substitutions: Mapping[str, Any]
    ) -> Recipe:
        """The recipe of a point's values with one seed; SpecError where they can't be combined.

        ``substitutions`` are recipe values that a retry changed, by dotted path.
        """
        return self._spec.recipe(values, seed, substitutions)

    def recipe_of(self, trial: Trial, point: Point) -> Recipe | None:
        """The recipe of the trial's latest attempt; None where its values can't be combined."""
        try:
            return self.recipe(point.values, trial.seed, trial.substitutions)
        except SpecError:
            return None
