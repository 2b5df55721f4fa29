"""Points that keep a study's rules, drawn at random where its sampler has found none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from search_spaces.random_trial import (
    FEWEST_PASSING,
    MOST_DRAWS,
    Allows,
    RandomTrial,
    passing_draws,
)
from search_spaces.space import Space
from study.sampling.seeds import point_seed


def allowed_draws(
    space: Space, allows: Allows, seed: int, arm: int, index: int
) -> Iterator[dict[str, Any]]:
    """Give points that keep the rules, at least one: of ``MOST_DRAWS`` draws those that do.

    Each draw has a seed of its own, so that they depend on the proposal's number alone. Where none
    of them keeps the rules, points come that the study file was accepted for.
    """
    has_found_any = False
    for draw in range(MOST_DRAWS):
        values = space.ask(RandomTrial(point_seed(seed, arm, index, draw)))
        if allows(values):
            has_found_any = True
            yield values
    if not has_found_any:
        known = passing_draws(space, allows)
        yield from islice(known, index % FEWEST_PASSING, FEWEST_PASSING)


def first_expected(
    points: Iterable[dict[str, Any]], is_expected: Callable[[Mapping[str, Any]], bool]
) -> dict[str, Any]:
    """Return the first point that is expected to end well; the very first where none is."""
    first: dict[str, Any] = {}
    for values in points:
        if is_expected(values):
            return values
        first = first or values
    return first
