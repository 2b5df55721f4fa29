"""pasha: promotion with a longest rung that grows only while it still changes who is best.

Bohdal et al., PASHA: Efficient HPO and NAS with Progressive Resource Allocation, ICLR 2023.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from study.sampling.promotion.rules import HalvingPromotion, Promotion
from study.sampling.promotion.standings import Rung, Standings

_PERCENTILE = 90.0
"""Of how far curves are apart that cross again and again, this percentile counts as noise."""
_Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class GrowingPromotion(HalvingPromotion):
    """As with asha's promotion, but nobody is promoted beyond the longest rung.

    That is the second one at first. It is the next one once those that have come to the longest
    have another order there than they had a rung before. Two trials whose curves cross again and
    again are as good as each other, and so are those that are no farther apart.
    """

    grows: ClassVar[bool] = True

    def promotions(self, standings: Standings, *, is_all_asked: bool) -> Iterator[Promotion]:
        longest = self.longest(standings)
        for promotion in super().promotions(standings, is_all_asked=is_all_asked):
            rung = standings.contenders[promotion.point].until
            if rung is not None and rung < longest:
                yield promotion

    def longest(self, standings: Standings) -> int:
        """The longest rung: the farthest to which anybody was promoted, or farther where what is
        known by now says so.
        """
        # who goes on to its end may be the last resort, which makes no rung longer
        longest = max(self.first * self.reduction, standings.farthest_until)
        while standings.rung(longest).holds(self._changes_order):
            longest *= self.reduction
        return longest

    def _changes_order(self, rung: Rung) -> bool:
        """Whether those that have come to a rung stand otherwise there than a rung before."""
        there = [rung.members[point] for point in sorted(rung.members)]
        epochs = range(1, rung.epoch + 1)
        curves = np.array([[each.merit(epoch) for epoch in epochs] for each in there])
        if len(there) < 2 or np.isnan(curves).any():
            return False
        before, now = curves[:, rung.epoch // self.reduction - 1], curves[:, -1]
        order_before = np.argsort(-before, kind="stable")
        order_now = np.argsort(-now, kind="stable")
        apart = np.abs(before[order_now] - before[order_before])
        return bool((apart > noise_in(curves)).any())

    def expected(self, points: int, length: int) -> tuple[int, int]:
        first = self.next_until(0, length)
        second = None if first is None else self.next_until(first, length)
        if first is None or second is None:
            return super().expected(points, length)
        promoted = max(1, self.places(points))
        return points * first + promoted * (second - first) + (length - second), 1


def noise_in(curves: _Matrix) -> float:
    """How far apart two trials may be that are as good as each other: about as far as those are
    whose curves cross at least twice. A row is a trial, a column an epoch.
    """
    apart = []
    for number, curve in enumerate(curves):
        differences = curves[number + 1 :] - curve
        cross_again = _sign_changes(differences) >= 2
        apart.append(np.abs(differences[cross_again, -1]))
    found = np.concatenate(apart)
    return float(np.percentile(found, _PERCENTILE)) if len(found) else 0.0


def _sign_changes(differences: _Matrix) -> NDArray[np.int64]:
    """How often each row changes its sign, zeros passed over."""
    signs = np.sign(differences)
    for epoch in range(1, signs.shape[1]):
        is_zero = signs[:, epoch] == 0
        signs[is_zero, epoch] = signs[is_zero, epoch - 1]
    before, after = signs[:, :-1], signs[:, 1:]
    changes: NDArray[np.int64] = ((before != 0) & (before != after)).sum(axis=1)
    return changes
