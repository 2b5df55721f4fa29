"""What one repetition of a search came to."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

from .recorded import RecordedSpace

CONFIRMED = 3
"""So many of the best are trained once more on a seed that had no part in choosing them."""


@dataclass(frozen=True)
class Finished:
    """A training that came to its own end."""

    epochs: int
    """How many epochs all workers had trained by then."""
    moment: float
    """The virtual time, in epochs of the mean cost."""
    point: int
    """The recorded point."""
    value: float
    """The objective that the search saw."""


@dataclass
class Story:
    """All of a search that the measures need."""

    finished: list[Finished] = field(default_factory=list)
    epochs: int = 0
    moment: float = 0.0

    def train(self, moment: float) -> None:
        """Count an epoch that ended then."""
        self.epochs += 1
        self.moment = max(self.moment, moment)

    def finish(self, point: int, value: float) -> None:
        """Note that the training whose epoch was counted last came to its end."""
        self.finished.append(Finished(self.epochs, self.moment, point, value))

    def first_of(self, points: Collection[int]) -> Finished | None:
        """When one of some points was known at its full length; None where it never was."""
        return next((each for each in self.finished if each.point in points), None)

    def winner(self, space: RecordedSpace, seed: int, within: float = math.inf) -> int | None:
        """The best point after confirmation: of the best by what the search saw with ``seed``, the
        one that is best on the other seed. None where no training came to its end.

        ``within`` counts only those that did by so many epochs of all workers.
        """
        known = [each for each in self.finished if each.epochs <= within]
        best_first = sorted(known, key=lambda each: -space.sign * each.value)
        chosen = list(dict.fromkeys(each.point for each in best_first))[:CONFIRMED]
        fresh = {point: space.sign * space.points[point].end(1 - seed) for point in chosen}
        whole = [point for point in chosen if not math.isnan(fresh[point])]
        return max(whole, key=lambda point: fresh[point], default=None)
