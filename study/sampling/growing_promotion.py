"""pasha: promotion with a longest rung that grows only while it still changes who is best.

Bohdal et al., PASHA: Efficient HPO and NAS with Progressive Resource Allocation, ICLR 2023.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from study.sampling.promotion_rules import Contender, HalvingPromotion, Promotion, at_rung

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

    def promotions(
        self, contenders: Sequence[Contender], *, is_all_asked: bool
    ) -> Iterator[Promotion]:
        longest = self.longest(contenders)
        for promotion in super().promotions(contenders, is_all_asked=is_all_asked):
            rung = next(each.until for each in contenders if each.point == promotion.point)
            if rung is not None and rung < longest:
                yield promotion

    def longest(self, contenders: Sequence[Contender]) -> int:
        """The longest rung: the farthest to which anybody was promoted, or farther where what is
        known by now says so.
        """
        # who goes on to its end may be the last resort, which makes no rung longer
        reached = [each.until for each in contenders if each.until is not None]
        longest = max([self.first * self.reduction, *reached])
        while self._changes_order(contenders, longest):
            longest *= self.reduction
        return longest

    def _changes_order(self, contenders: Sequence[Contender], rung: int) -> bool:
        """Whether those that have come to a rung stand otherwise there than a rung before."""
        there = at_rung(contenders, rung)
        curves = np.array([[each.merit(epoch + 1) for epoch in range(rung)] for each in there])
        if len(there) < 2 or np.isnan(curves).any():
            return False
        before, now = curves[:, rung // self.reduction - 1], curves[:, -1]
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
    apart: list[float] = []
    for number, curve in enumerate(curves[:-1]):
        differences = curves[number + 1 :] - curve
        for signs, last in zip(np.sign(differences), np.abs(differences[:, -1]), strict=True):
            ahead = signs[signs != 0]
            if np.count_nonzero(ahead[1:] != ahead[:-1]) >= 2:
                apart.append(float(last))
    return float(np.percentile(apart, _PERCENTILE)) if apart else 0.0
