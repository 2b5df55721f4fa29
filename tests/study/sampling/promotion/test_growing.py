"""The longest rung of pasha, worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import pytest

from study.sampling.promotion.growing import GrowingPromotion, noise_in
from study.sampling.promotion.standings import Contender, Standings

from .test_rules import contender, promoted

PASHA = GrowingPromotion(first=1, reduction=2)


def longest(rule: GrowingPromotion, contenders: Sequence[Contender]) -> int:
    return rule.longest(Standings.of(contenders, rule.next_until))


def test_nobody_goes_beyond_the_second_rung_while_the_order_stands() -> None:
    field = [contender(point, [merit, merit + 0.1], until=2) for point, merit in enumerate([3, 2])]
    assert longest(PASHA, field) == 2
    assert promoted(PASHA, *field) == []
    assert promoted(PASHA, *field, contender(2, [4]), contender(3, [1])) == [(2, 2)]


def test_another_order_at_the_longest_rung_makes_it_longer() -> None:
    field = [contender(0, [3, 3], until=2), contender(1, [2, 5], until=2)]
    assert longest(PASHA, field) == 4
    assert promoted(PASHA, *field) == [(1, 4)]
    on_the_way = [contender(0, [3, 3], until=2), contender(1, [2, 5], until=4, waits=False)]
    same_again = [contender(2, [2.9, 2.9], until=2), *on_the_way]
    assert longest(PASHA, same_again) == 4


def test_what_was_promoted_stays_so_and_a_trial_alone_changes_nothing() -> None:
    alone = [contender(0, [3, 3, 3, 3], until=8, waits=False)]
    assert longest(PASHA, alone) == 8
    last_resort = [contender(0, [3] * 8, until=None), contender(1, [1, 1], until=2)]
    assert longest(PASHA, last_resort) == 2
    assert longest(PASHA, [contender(0, [1])]) == 2


def test_curves_that_cross_again_and_again_are_as_good_as_each_other() -> None:
    steady = np.array([[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 2.0, 2.0]])
    assert noise_in(steady) == 0.0
    once = np.array([[1.0, 1.0, 3.0, 3.0], [2.0, 2.0, 2.0, 2.0]])
    assert noise_in(once) == 0.0
    often = np.array([[1.9, 2.1, 1.8, 2.3], [2.0, 2.0, 2.0, 2.0]])
    assert noise_in(often) == pytest.approx(0.3)
    rule = GrowingPromotion(first=2, reduction=2)
    field = [
        contender(0, [1.9, 2.1, 1.8, 1.9], until=4),
        contender(1, [2.0, 2.0, 2.0, 2.0], until=4),
    ]
    assert longest(rule, field) == 4
    apart = [contender(0, [3, 3, 1, 1], until=4), contender(1, [2, 2, 2, 2], until=4)]
    assert longest(rule, apart) == 8


def test_crossings_are_those_that_pairs_of_curves_have_one_by_one() -> None:
    chance = np.random.default_rng(0)
    curves = chance.integers(0, 4, size=(40, 6)).astype(float)  # many are equal for a while
    apart = []
    for one, other in combinations(curves, 2):
        signs = [sign for sign in np.sign(one - other) if sign]
        if sum(before != after for before, after in pairwise(signs)) >= 2:
            apart.append(abs(one[-1] - other[-1]))
    assert len(apart) > 50
    assert noise_in(curves) == np.percentile(apart, 90)
