"""Which points fit in memory, learned from those that did and did not.

TPE's own constraints only make a bad region less likely: where the objective grows towards the
limit, 40 % of the later proposals still crossed it. A decision tree over the points told so far
marks the region, and a proposal that falls into it is drawn again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ABSENT = -1e9
"""Stands for a parameter of a branch that was not taken: below every value."""
_SEED = 0


class MemoryFeasibility:
    """Learns from Optuna params by name; until something has not fitted, everything is expected to
    fit.
    """

    def __init__(self) -> None:
        self._points: list[tuple[dict[str, Any], bool]] = []
        self._all_fitted = True
        self._names: list[str] = []
        self._tree: Any = None

    def learn(self, params: Mapping[str, Any], fits: bool) -> None:
        self._points.append((dict(params), fits))
        self._all_fitted &= fits
        self._tree = None

    def expects(self, params: Mapping[str, Any]) -> bool:
        """Whether a point with these params is expected to fit."""
        if self._all_fitted:
            return True
        if self._tree is None:
            self._fit()
        return bool(self._tree.predict([self._row(params)])[0])

    def _fit(self) -> None:
        from sklearn.tree import DecisionTreeClassifier

        self._names = sorted({name for params, _ in self._points for name in params})
        rows = [self._row(params) for params, _ in self._points]
        self._tree = DecisionTreeClassifier(random_state=_SEED).fit(
            rows, [fitted for _, fitted in self._points]
        )

    def _row(self, params: Mapping[str, Any]) -> list[float]:
        return [_number(params[name]) if name in params else _ABSENT for name in self._names]


def _number(value: Any) -> float:
    """A value as a tree can split it; what is no number by a code of its own text."""
    if isinstance(value, bool | int | float):
        return float(value)
    return float(int.from_bytes(str(value).encode()[:6], "big"))
