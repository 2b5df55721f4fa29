"""The recipes of a study's points as cells of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from study.errors import SpecError
from study.journal.trials import Point
from study.results.cells import Row, json_text

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


class RecipeCells:
    """The recipes of one study by column, each of them made once."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._made: dict[tuple[int, str | None], Row] = {}

    def of(self, point: Point, substitutions: Mapping[str, Any] | None = None) -> Row:
        """The recipe of a point's trials, with the values that retries changed, without a seed."""
        key = (point.number, json_text(substitutions))
        if key not in self._made:
            self._made[key] = self._make(point, substitutions or {})
        return self._made[key]

    def _make(self, point: Point, substitutions: Mapping[str, Any]) -> Row:
        try:
            return dict(self._spec.training(point.values, substitutions).columns())
        except (SpecError, ValueError):
            # today's code refuses a recipe that it once took: what was proposed is known still
            written = {**point.values, **substitutions}
        return {self._spec.kind.column_of(path): value for path, value in written.items()}
