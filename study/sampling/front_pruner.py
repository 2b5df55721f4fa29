"""Stop decisions where a study has several objectives; Optuna's own pruners take one only."""

from __future__ import annotations

from typing import Any

import numpy as np


class FrontPruner:
    """A trial stops where too many others dominate it.

    At each rung the trials there are sorted into non-dominated fronts, within a front by their
    crowding distance, as NSGA-II does (doi:10.1109/4235.996017). A trial goes on if it is among the
    best ``1 / reduction`` of them (asha and hyperband), half (median) or given share (percentile).
    """

    can_stop = True

    def __init__(
        self,
        name: str,
        options: dict[str, Any],
        signs: tuple[float, ...],
        epochs: int,
        by_number: bool,
    ) -> None:
        self._signs = np.array(signs)
        self._by_number = by_number
        self._values: dict[int, dict[int, np.ndarray]] = {}
        """By rung and trial the objectives there, larger being better."""
        self.startup: int = options.get("startup_trials", 1)
        """How many others there must be at a rung before one is stopped."""
        self.brackets = 1
        """A trial of Hyperband's bracket ``b`` is not decided on at its first ``b`` rungs."""
        if name in ("asha", "hyperband"):
            self._share = 1 / options["reduction"]
            self._rungs = _growing_rungs(options["min_epochs"], options["reduction"], epochs)
            if name == "hyperband":
                self.brackets = max(1, len(self._rungs) - 1)
        else:
            self._share = options.get("percentile", 50.0) / 100
            first = max(1, options["warmup_epochs"])
            self._rungs = list(range(first, epochs + 1, options["interval_epochs"]))

    def bracket(self, index: int) -> int:
        """The number, from 0, of a trial's bracket."""
        return index % self.brackets

    def rungs_of(self, index: int) -> list[int]:
        """The epochs at which a trial is decided on."""
        return self._rungs[self.bracket(index) :]

    def places(self, competing: int) -> int:
        """How many of those that compete at a rung go on."""
        return max(1, int(competing * self._share))

    def stops(self, index: int, epoch: int, values: tuple[float, ...]) -> bool:
        if epoch not in self.rungs_of(index):
            return False
        bracket = self.bracket(index)
        own_values = self._signs * np.array(values)
        rung = self._values.setdefault(epoch, {})
        rivals = [rung[other] for other in sorted(rung) if self._is_rival(other, index, bracket)]
        rung[index] = own_values
        if len(rivals) < self.startup:
            return False
        return self.places(len(rivals) + 1) <= better_than_last(np.array([*rivals, own_values]))

    def _is_rival(self, other: int, index: int, bracket: int) -> bool:
        """Whether a trial is compared with another at a rung that both have reached."""
        if other == index or self.bracket(other) != bracket:
            return False
        return other < index or not self._by_number

    def close(self, index: int, state: str) -> None:
        pass


def _growing_rungs(first: int, reduction: int, epochs: int) -> list[int]:
    """The epochs at which trials are compared, each ``reduction`` times the one before."""
    rungs = [first]
    while rungs[-1] < epochs:
        rungs.append(rungs[-1] * reduction)
    return rungs


def better_than_last(values: np.ndarray) -> int:
    """How many rows of ``values`` (trials × objectives, larger is better) come before the last one.

    Rows come by non-dominated front, then by crowding distance, rarer first; equal rows don't come
    before it.
    """
    fronts = front_of(values)
    last_front = fronts[-1]
    before = int((fronts < last_front).sum())
    peers = np.flatnonzero(fronts == last_front)
    distance = crowding(values[peers])
    rarer = int((distance[:-1] > distance[-1]).sum())
    return before + rarer


def front_of(values: np.ndarray) -> np.ndarray:
    """The number, from 0, of each row's non-dominated front. (trials × objectives) -> (trials,)"""
    one, other = values[:, None], values[None, :]
    is_nowhere_worse = (one >= other).all(-1)  # (trials, trials): row i against row j
    is_better = (one > other).any(-1)
    dominates = is_nowhere_worse & is_better
    fronts = np.full(len(values), -1)
    front = 0
    while (fronts < 0).any():
        left = fronts < 0
        is_dominated = (dominates & left[:, None]).any(0)  # by any of those that are left
        fronts[left & ~is_dominated] = front
        front += 1
    return fronts


def crowding(values: np.ndarray) -> np.ndarray:
    """The crowding distance of each row of a front: how far its neighbors are, over all objectives.

    The ends of each objective count as infinitely far. (trials × objectives) -> (trials,)
    """
    distance = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        ends, inner = order[[0, -1]], order[1:-1]
        spread = column[order[-1]] - column[order[0]]
        distance[ends] = np.inf
        if spread > 0:
            below, above = column[order[:-2]], column[order[2:]]
            distance[inner] += (above - below) / spread
    return distance
