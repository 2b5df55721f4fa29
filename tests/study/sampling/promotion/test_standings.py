"""Standings hold after any changes what they would hold if they were made anew."""

from __future__ import annotations

import random

from study.sampling.promotion.rules import HalvingPromotion
from study.sampling.promotion.standings import Contender, Rung, Standings

from .test_rules import contender

RULE = HalvingPromotion(first=1, reduction=2)
MERITS = [0.1, 0.2, 0.3, float("nan")]


def shown(standings: Standings) -> list[object]:
    """All that a rule can ask."""
    found: list[object] = [sorted(standings.contenders), standings.farthest_until]
    for rung in standings.rungs():
        if rung.members:
            best = [each.point for each in rung.waiting_among_best(3)]
            found.append((rung.epoch, sorted(rung.members), best))
    return found


def drawn(chance: random.Random, point: int) -> Contender:
    merits = [chance.choice(MERITS) for _ in range(chance.randrange(9))]
    return contender(point, merits, until=chance.choice([1, 2, 4, None]))


def test_changed_one_by_one_they_are_those_made_anew() -> None:
    chance = random.Random(0)
    standings = Standings(RULE.next_until)
    there: dict[int, Contender] = {}
    for _ in range(500):
        point = chance.randrange(12)
        if chance.random() < 0.2:
            standings.remove(point)
            there.pop(point, None)
        else:
            there[point] = drawn(chance, point)
            standings.put(there[point])
        assert shown(standings) == shown(Standings.of(there.values(), RULE.next_until))


def test_those_that_are_no_longer_at_a_rung_are_gone_from_it() -> None:
    standings = Standings.of([contender(0, [0.1, 0.2], until=2)], RULE.next_until)
    assert [rung.epoch for rung in standings.rungs()] == [1, 2]
    standings.put(contender(0, [0.1], until=2))  # its second epoch is to be trained again
    assert not standings.rung(2).members
    assert list(standings.rung(1).members) == [0]


def test_a_condition_is_asked_again_only_once_its_rung_changes() -> None:
    asked: list[int] = []

    def has_two(rung: Rung) -> bool:
        asked.append(len(rung.members))
        return len(rung.members) == 2

    standings = Standings.of([contender(0, [0.5])], RULE.next_until)
    assert not standings.rung(1).holds(has_two)
    standings.put(contender(0, [0.5]))  # the same is known of it
    assert not standings.rung(1).holds(has_two)
    standings.put(contender(1, [0.4]))
    assert standings.rung(1).holds(has_two)
    assert asked == [1, 2]
