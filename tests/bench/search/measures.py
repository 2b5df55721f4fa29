"""What a rival's repetitions amount to: figures with their intervals.

How long it takes to a good point is the expected running time of Hansen et al. (COCO,
https://doi.org/10.1080/10556788.2020.1808977): a search that ends without one is begun anew, so
that what all repetitions spent is divided by how many of them came to one. Intervals are those of
the bootstrap over repetitions, which are paired: all rivals have the same seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.estimates import LEVEL, Estimate

from .recorded import EPOCHS, SEEDS, RecordedSpace
from .story import Story

SHARES = (0.05, 0.01)
"""What counts as good: the best 5 % of the recorded points, and the best 1 %."""
EARLY = 10 * EPOCHS
"""The epochs of ten trainings: what a winner is worth after so many, too."""
_RESAMPLES = 2000


@dataclass(frozen=True)
class Spent:
    """By repetition what was spent up to a good point, or in all where none was found."""

    costs: np.ndarray  # (R,)
    found: np.ndarray  # (R,), bool

    def expected(self) -> Estimate:
        """The expected cost to a good point; inf where no repetition found one."""
        draws = _draws(len(self.costs))
        return _estimate(_running_time(self.costs, self.found), self._resampled(draws))

    def ratio_to(self, other: Spent) -> Estimate:
        """How many times the other's expected cost this one's is."""
        draws = _draws(len(self.costs))
        value = _ratio(
            _running_time(self.costs, self.found), _running_time(other.costs, other.found)
        )
        return _estimate(value, _ratio(self._resampled(draws), other._resampled(draws)))

    def _resampled(self, draws: np.ndarray) -> np.ndarray:
        return _running_time(self.costs[draws], self.found[draws])


def pooled_ratio(pairs: Sequence[tuple[Spent, Spent]]) -> Estimate:
    """How many times the second's expected cost the first's is: the geometric mean over spaces,
    each of which is a pair, and whose repetitions are drawn again for each by itself.
    """
    values, resampled = [], []
    for index, (one, other) in enumerate(pairs):
        draws = _draws(len(one.costs), index)
        values.append(one.ratio_to(other).value)
        resampled.append(_ratio(one._resampled(draws), other._resampled(draws)))
    return _estimate(_geometric_mean(np.array(values)), _geometric_mean(np.array(resampled)))


def spent_epochs(space: RecordedSpace, stories: Sequence[Story], share: float) -> Spent:
    """The epochs to one of the best points, known at its full length."""
    firsts = [story.first_of(space.best(share)) for story in stories]
    costs = [
        first.epochs if first else story.epochs
        for first, story in zip(firsts, stories, strict=True)
    ]
    return Spent(np.array(costs, float), np.array([first is not None for first in firsts]))


def spent_time(space: RecordedSpace, stories: Sequence[Story], share: float) -> Spent:
    """The virtual time to one of the best points, in epochs of the mean cost."""
    firsts = [story.first_of(space.best(share)) for story in stories]
    costs = [
        first.moment if first else story.moment
        for first, story in zip(firsts, stories, strict=True)
    ]
    return Spent(np.array(costs, float), np.array([first is not None for first in firsts]))


def regret(space: RecordedSpace, stories: Sequence[Story], within: float = math.inf) -> Estimate:
    """By how much the winner after confirmation is truly worse than the best recorded point, of the
    whole search or as it stands after so many epochs of all workers.

    Where no training has come to its end by then, the median of all points stands for the winner.
    """
    winners = [story.winner(space, number % SEEDS, within) for number, story in enumerate(stories)]
    values = np.array([space.regret(space.median if w is None else w) for w in winners])
    return _estimate(float(values.mean()), values[_draws(len(values))].mean(axis=1))


def _running_time(costs: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(…, R), (…, R) -> (…): all that was spent over how many found something."""
    with np.errstate(divide="ignore"):
        times: np.ndarray = costs.sum(axis=-1) / found.sum(axis=-1)
    return times


def _ratio(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        ratio: np.ndarray = one / other
    return ratio


def _geometric_mean(ratios: np.ndarray) -> np.ndarray:
    """(spaces, …) -> (…)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: np.ndarray = np.exp(np.log(ratios).mean(axis=0))
    return mean


def _draws(repetitions: int, seed: int = 0) -> np.ndarray:
    """Repetitions drawn again, the same for all rivals, (B, R)."""
    return np.random.default_rng(seed).integers(repetitions, size=(_RESAMPLES, repetitions))


def _estimate(value: float | np.ndarray, resampled: np.ndarray) -> Estimate:
    tail = 100 * (1 - LEVEL) / 2
    known = np.where(np.isnan(resampled), math.inf, resampled)
    low, high = np.percentile(known, [tail, 100 - tail], method="nearest")
    return Estimate(float(value), float(low), float(high), resampled.shape[-1])
