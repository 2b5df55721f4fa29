"""Which points fit in memory, learned from those that did and those that did not.

TPE's own constraints only make a bad region less likely: where the objective grows towards the
limit, 40 % of the later proposals still crossed it. A decision tree over the points told so far
marks the region, and a proposal that falls into it is drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ABSENT = -1e9
"""Stands for a parameter of a branch that was not taken: below every value."""
_TREE_SEED = 0
_BYTES_OF_TEXT = 6
"""How much of a text its code takes in: as many bytes as a float holds exactly."""


class MemoryFeasibility:
    """Expects of a point whether it fits, from Optuna's params by name.

    Until a point has not fitted, all are expected to.
    """

    def __init__(self) -> None:
        self._points: list[tuple[dict[str, Any], bool]] = []
        self._have_all_fitted = True
        self._names: list[str] = []
        self._tree: Any = None

    def learn(self, params: Mapping[str, Any], fits: bool) -> None:
        """Take in whether a point has fitted in memory."""
        self._points.append((dict(params), fits))
        self._have_all_fitted &= fits
        self._tree = None

    def forget(self, params: Mapping[str, Any]) -> None:
        """Take back what was learned of a point, if anything was."""
        for fits in (True, False):
            if (dict(params), fits) in self._points:
                self._points.remove((dict(params), fits))
        self._have_all_fitted = all(fits for _, fits in self._points)
        self._tree = None

    def expects(self, params: Mapping[str, Any]) -> bool:
        """Whether a point with these params is expected to fit."""
        if self._have_all_fitted:
            return True
        if self._tree is None:
            self._grow_tree()
        return bool(self._tree.predict([self._row(params)])[0])

    def _grow_tree(self) -> None:
        from sklearn.tree import DecisionTreeClassifier

        self._names = sorted({name for params, _ in self._points for name in params})
        rows = [self._row(params) for params, _ in self._points]
        have_fitted = [fits for _, fits in self._points]
        self._tree = DecisionTreeClassifier(random_state=_TREE_SEED).fit(rows, have_fitted)

    def _row(self, params: Mapping[str, Any]) -> list[float]:
        return [_split_value(params[name]) if name in params else _ABSENT for name in self._names]


def _split_value(value: Any) -> float:
    """A value as a tree can split it: a number as it is, anything else by a code of its text."""
    if isinstance(value, bool | int | float):
        return float(value)
    return float(int.from_bytes(str(value).encode()[:_BYTES_OF_TEXT], "big"))
