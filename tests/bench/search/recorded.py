"""The recorded curves of one space: what each of its points shows epoch by epoch, and how good it
truly is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from study.spec.load import load_spec
from study.spec.spec import StudySpec

from .distance import Distance

RECORDINGS = Path(__file__).parent / "recordings"
SPACES = tuple(sorted(path.stem for path in RECORDINGS.glob("*.parquet")))
"""The spaces whose curves are recorded."""
SEEDS = 2
EPOCHS = 27


@dataclass(frozen=True)
class RecordedPoint:
    """What is known of one point."""

    values: Mapping[str, Any]
    epoch_cost: float
    """What an epoch of it takes on the virtual clock, 1 in the mean of all points."""
    curves: tuple[tuple[float, ...], ...]
    """By seed its objective after each epoch; a training that failed has fewer."""

    def fails(self, seed: int) -> bool:
        """Whether the training with a seed came to no end."""
        return len(self.curves[seed]) < EPOCHS

    def end(self, seed: int) -> float:
        """The objective after the last epoch; NaN where the training failed."""
        return math.nan if self.fails(seed) else self.curves[seed][-1]

    @property
    def truth(self) -> float:
        """How good the point truly is, as far as that is known: the mean over all seeds."""
        return sum(self.end(seed) for seed in range(SEEDS)) / SEEDS


class RecordedSpace:
    """The points of one space, by their numbers in the study that recorded them."""

    def __init__(self, name: str, spec: StudySpec, points: list[RecordedPoint]) -> None:
        self.name = name
        self.spec = spec
        self.points = points
        self.sign = float(spec.objectives[0].sign)
        self.distance = Distance(spec.space, [point.values for point in points])
        losses = [-self.sign * point.truth for point in points]
        self._best_first = np.argsort(losses, kind="stable").tolist()  # nan comes last

    def best(self, share: float) -> frozenset[int]:
        """The true best points, so great a share of all of them."""
        return frozenset(self._best_first[: max(1, round(share * len(self.points)))])

    @property
    def median(self) -> int:
        """The point in the middle of all that come to their end."""
        whole = [n for n in self._best_first if not math.isnan(self.points[n].truth)]
        return whole[len(whole) // 2]

    def regret(self, number: int) -> float:
        """By how much a point is truly worse than the best one, in the objective's unit."""
        best = self.points[self._best_first[0]].truth
        return self.sign * (best - self.points[number].truth)


@lru_cache
def recorded_space(name: str) -> RecordedSpace:
    """Read a space's curves and the study file that recorded them."""
    table = pq.read_table(RECORDINGS / f"{name}.parquet").to_pydict()
    costs = np.array(table["epoch_cost"]) / np.mean(table["epoch_cost"])
    points = [
        RecordedPoint(json.loads(values), float(cost), tuple(map(tuple, curves)))
        for values, cost, curves in zip(table["values"], costs, table["curves"], strict=True)
    ]
    return RecordedSpace(name, load_spec(RECORDINGS / f"{name}.yaml"), points)
