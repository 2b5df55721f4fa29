"""A figure together with its interval, and the difference of two."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEVEL = 0.95
"""How often an interval covers the true figure, where nothing else is said."""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval at ``level`` and the number of observations behind it.

    The interval's ends are nan where the sample can't say how uncertain its value is.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 1
    level: float = LEVEL

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval and zero is not in it."""
        return self.known and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Difference:
    """A difference of two figures with its interval, and the two-sided p-value of there being none.

    Interval and p-value belong together: one of several comparisons has an interval at
    ``level_for`` their number, and a p-value that is as many times greater.
    """

    estimate: Estimate
    p: float = math.nan


def estimate_of_nothing(level: float = LEVEL) -> Estimate:
    """Return the estimate from an empty sample: neither value nor interval."""
    return Estimate(math.nan, n=0, level=level)


def level_for(comparisons: int, level: float = LEVEL) -> float:
    """Return the level of each interval of several that hold together at ``level``: Bonferroni."""
    return 1 - (1 - level) / max(1, comparisons)
