"""What statistics are made of: samples of numbers, without those that are missing."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Sample: TypeAlias = ArrayLike
"""Anything that numpy takes for a vector of numbers, a column of a frame included."""


def finite_values(sample: Sample) -> Array:
    """Return the sample's finite values, shape (n,)."""
    values = np.asarray(sample, dtype=float).ravel()
    finite: Array = values[np.isfinite(values)]
    return finite
