"""The first points of a sampler that learns: spread evenly over the space, before any result is in.

Left to itself the sampler draws them at random, and may well begin with four points of one branch
whose learning rates are alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from search_spaces.random_trial import MOST_DRAWS, Allows
from search_spaces.spread_points import spread_points
from study.sampling.samplers import start_size

if TYPE_CHECKING:
    from search_spaces.space import Space
    from study.spec.samplers import SamplerChoice


class SpreadStart:
    """The spread points of one arm that keep the rules, known by their index in the arm.

    There are as many as Optuna would draw at random, and none unless ``is_on``: older studies begin
    with points drawn at random.
    """

    def __init__(self, space: Space, sampler: SamplerChoice, arm: int, allows: Allows) -> None:
        self.is_on = False
        self.size = start_size(sampler)
        self._found: list[dict[str, Any]] = []
        drawn = islice(spread_points(space, f"{sampler.seed}/{arm}"), MOST_DRAWS)
        self._rest: Iterator[dict[str, Any]] = filter(allows, drawn)

    def shorten(self) -> None:
        """Leave the last point out: the sampler has been told of one of an earlier study."""
        self.size -= 1

    def point(self, index: int) -> dict[str, Any] | None:
        """The values of a point; None where it is none of the start, or hardly any keeps the
        rules.
        """
        if not self.is_on or index >= self.size:
            return None
        while len(self._found) <= index:
            values = next(self._rest, None)
            if values is None:
                return None
            self._found.append(values)
        return dict(self._found[index])
