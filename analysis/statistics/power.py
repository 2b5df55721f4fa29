"""How many seeds it takes to tell a difference."""

from __future__ import annotations

import math
from collections.abc import Callable

from analysis.statistics.estimate import LEVEL, Estimate, Sample, finite_values
from analysis.statistics.means import standard_deviation

_POWER = 0.8
_RANGE = 0.95
"""How likely the printed range holds the number that the true difference takes."""
_LARGEST = 50.0
"""Greater standardized differences need two pairs, whatever their range."""
_MOST_SEEDS = 10_000


def seeds_needed(differences: Sample, level: float = LEVEL) -> Estimate | None:
    """So many pairs tell such a difference in 8 of 10 studies; with its range. None where n < 2 or
    all are equal.

    The value takes the differences' mean and deviation as found. Both were found from few pairs, so
    the number is known roughly: its range is that of the standardized difference (noncentral t).
    inf: more than MOST_SEEDS.
    """
    values = finite_values(differences)
    deviation = standard_deviation(values)
    if math.isnan(deviation):
        return None
    found, count = min(_LARGEST, abs(float(values.mean())) / deviation), len(values)
    smallest, largest = _effect_range(found, count)
    low, high = seeds_for(largest, level), seeds_for(smallest, level)
    return Estimate(seeds_for(found, level), low, high, count, _RANGE)


def _effect_range(found: float, count: int) -> tuple[float, float]:
    """The range of the standardized difference (mean over deviation) behind one found from
    ``count`` pairs, in size.
    """
    from scipy import stats

    statistic = found * math.sqrt(count)

    def below(center: float) -> float:
        """How likely a smaller statistic is; scipy has no number for it far out, where it is 1 or
        0.
        """
        chance = float(stats.nct.cdf(statistic, count - 1, center))
        return float(center < statistic) if math.isnan(chance) else chance

    def at(share: float) -> float:
        return _root(lambda center: below(center) - share, statistic)

    low, high = at((1 + _RANGE) / 2), at((1 - _RANGE) / 2)
    return max(0.0, low) / math.sqrt(count), max(abs(low), abs(high)) / math.sqrt(count)


def _root(function: Callable[[float], float], start: float) -> float:
    """Where a falling function of the noncentrality crosses zero."""
    from scipy import optimize

    reach = 4.0 + 2.0 * abs(
        start
    )  # with one degree of freedom the upper end lies at 2.24 times the statistic
    return float(optimize.brentq(function, start - reach, start + reach))


def seeds_for(effect: float, level: float = LEVEL) -> float:
    """The least number of pairs at which a standardized difference of that size is told with POWER;
    inf beyond all.
    """
    low, high = 2, 2
    while power(effect, high, level) < _POWER:
        low, high = high, high * 2
        if high > _MOST_SEEDS:
            return math.inf
    while high - low > 1:
        between = (low + high) // 2
        low, high = (between, high) if power(effect, between, level) < _POWER else (low, between)
    return float(high if power(effect, low, level) < _POWER else low)


def power(effect: float, count: int, level: float) -> float:
    """How likely the interval over so many pairs leaves zero out, on the right side of it."""
    from scipy import stats

    critical = stats.t.ppf((1 + level) / 2, count - 1)
    chance = float(stats.nct.sf(critical, count - 1, effect * math.sqrt(count)))
    return chance if math.isfinite(chance) else 1.0
