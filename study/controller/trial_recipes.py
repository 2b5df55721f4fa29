"""The recipes that a study's trials train."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from study.errors import SpecError
from study.journal.trials import Point, Trial

if TYPE_CHECKING:
    from study.spec.spec import StudySpec
    from study.training.recipe.recipe import Recipe

_KEPT = 16


class TrialRecipes:
    """Puts recipes together, and keeps the last few of them: a point that was thought of ahead is
    then quick to start.
    """

    def __init__(self, spec: StudySpec) -> None:
        # dictionaries can't be keys of a cache; their JSON can
        self._put_together = lru_cache(maxsize=_KEPT)(
            lambda arguments: spec.recipe(*json.loads(arguments))
        )

    def recipe(
        self, values: Mapping[str, Any], seed: int, substitutions: Mapping[str, Any]
    ) -> Recipe:
        """The recipe of a point's values with one seed; SpecError where they can't be combined.

        ``substitutions`` are recipe values that a retry changed, by dotted path.
        """
        return self._put_together(json.dumps([dict(values), seed, dict(substitutions)]))

    def recipe_of(self, trial: Trial, point: Point) -> Recipe | None:
        """The recipe of the trial's latest attempt; None where its values can't be combined."""
        try:
            return self.recipe(point.values, trial.seed, trial.substitutions)
        except SpecError:
            return None
