"""The values that rules between values speak of: all that a point's training has, by their paths.

A training is put together and validated in a third of a millisecond, too long where ten thousand
points are drawn to find those that the rules allow. But what it has beside the point's values
depends on no number: only on names and other words, and on which values are there at all. So one
training serves all points that agree in these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.space import Space, Variable
from search_spaces.values import Value, as_param
from study.errors import SpecError
from study.spec.kinds.kind import Training


class RuleValues:
    """All values of the points of one space.

    ``training_of`` puts the training of a point together, and raises SpecError where there is none.
    """

    def __init__(
        self, space: Space, training_of: Callable[[Mapping[str, Any]], Training | None]
    ) -> None:
        self._space = space
        self._training_of = training_of
        self._by_words: dict[tuple[tuple[str, object], ...], dict[str, Value] | None] = {}

    def of(self, values: Mapping[str, Any]) -> dict[str, Value] | None:
        """Return all values of a point of the space; None where it makes no training.

        A training that is refused for its numbers has values all the same: a rule may be there to
        keep such points out.
        """
        key = tuple(
            (path, None if _is_number(value) else (type(value), as_param(value)))
            for path, value in values.items()
        )
        if key not in self._by_words:
            self._by_words[key] = self._first_with_words_of(values)
        others = self._by_words[key]
        return None if others is None else {**others, **values}

    def _first_with_words_of(self, values: Mapping[str, Any]) -> dict[str, Value] | None:
        """Return all values of the first point that agrees with this one in all but numbers."""
        words = {
            variable.name: as_param(values[variable.path])
            for variable in self._space.variables
            if variable.path in values and not _stands_for_numbers(variable, values)
        }
        for point in (self._space.complete(words), values):
            try:
                training = self._training_of(point)
            except SpecError:
                continue
            if training is not None:
                return training.rule_values()
        return None


def _stands_for_numbers(variable: Variable, values: Mapping[str, Any]) -> bool:
    """Whether a variable's first value may stand for the one that it has here."""
    return _is_number(values[variable.path]) and _is_number(variable.distribution.first)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
