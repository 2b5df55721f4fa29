"""How many seeds it takes to tell a difference."""

from __future__ import annotations

import math
from collections.abc import Callable

from analysis.estimates import LEVEL, Estimate
from analysis.statistics.means import standard_deviation
from analysis.statistics.samples import Sample, finite_values

_POWER = 0.8
_RANGE = 0.95
"""How likely the printed range holds the number that the true difference takes."""
_LARGEST = 50.0
"""Greater standardized differences need two pairs, whatever their range."""
_MOST_SEEDS = 10_000


def seeds_needed(differences: Sample, level: float = LEVEL) -> Estimate | None:
    """Return how many pairs tell such a difference in 8 of 10 studies, with its range.

    ``differences`` (n,) are those of the pairs so far; None where n < 2 or all are equal. The value
    takes their mean and deviation as found. Both were found from few pairs, so the number is known
    roughly: its range is that of the standardized difference (noncentral t). inf: more than
    MOST_SEEDS.
    """
    values = finite_values(differences)
    deviation = standard_deviation(values)
    if math.isnan(deviation):
        return None
    count = len(values)
    effect = min(_LARGEST, abs(float(values.mean())) / deviation)
    smallest, largest = _effect_range(effect, count)
    low = seeds_for(largest, level)
    high = seeds_for(smallest, level)
    return Estimate(seeds_for(effect, level), low, high, count, _RANGE)


def _effect_range(effect: float, count: int) -> tuple[float, float]:
    """Return the range of the true standardized difference behind one found from ``count`` pairs.

    A standardized difference is the mean over the deviation; its range is given in size.
    """
    statistic = effect * math.sqrt(count)

    def at(share: float) -> float:
        """Return the noncentrality at which a smaller statistic has this chance."""
        return _root(lambda center: _chance_below(statistic, count, center) - share, statistic)

    low, high = at((1 + _RANGE) / 2), at((1 - _RANGE) / 2)
    smallest = max(0.0, low)
    largest = max(abs(low), abs(high))
    return smallest / math.sqrt(count), largest / math.sqrt(count)


def _chance_below(statistic: float, count: int, center: float) -> float:
    """Return how likely a smaller statistic is, with so many pairs and that noncentrality."""
    from scipy import stats

    chance = float(stats.nct.cdf(statistic, count - 1, center))
    if math.isnan(chance):  # scipy has no number for it far out, where it is 1 or 0
        return float(center < statistic)
    return chance


def _root(function: Callable[[float], float], start: float) -> float:
    """Return where a falling function of the noncentrality crosses zero."""
    from scipy import optimize

    # with one degree of freedom the upper end lies at 2.24 times the statistic
    reach = 4.0 + 2.0 * abs(start)
    return float(optimize.brentq(function, start - reach, start + reach))


def seeds_for(effect: float, level: float = LEVEL) -> float:
    """Return the least number of pairs at which a standardized difference is told with POWER.

    inf beyond MOST_SEEDS.
    """
    low, high = 2, 2
    while power(effect, high, level) < _POWER:
        low, high = high, high * 2
        if high > _MOST_SEEDS:
            return math.inf
    while high - low > 1:
        middle = (low + high) // 2
        if power(effect, middle, level) < _POWER:
            low = middle
        else:
            high = middle
    return float(high if power(effect, low, level) < _POWER else low)


def power(effect: float, count: int, level: float) -> float:
    """Return how likely the interval over so many pairs leaves zero out, on its right side."""
    from scipy import stats

    critical = stats.t.ppf((1 + level) / 2, count - 1)
    chance = float(stats.nct.sf(critical, count - 1, effect * math.sqrt(count)))
    return chance if math.isfinite(chance) else 1.0
