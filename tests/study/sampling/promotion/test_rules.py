"""Who goes on by each rule, worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

from study.sampling.promotion.growing import GrowingPromotion
from study.sampling.promotion.rules import (
    FirstEpochsRule,
    HalvingPromotion,
    PromotionRule,
    last_resort,
)
from study.sampling.promotion.standings import Contender, Standings
from study.sampling.pruning import make_promotion_rule
from study.spec.pruners import Asha, FirstEpochs, Median, Pasha

ASHA = HalvingPromotion(first=1, reduction=2)
NAN = float("nan")


def contender(
    point: int, merits: Sequence[float], until: int | None = 1, **facts: bool
) -> Contender:
    """A trial of 8 epochs that has these merits after its epochs, and waits where it may."""
    waits = facts.pop("waits", until is not None and len(merits) >= until)
    return Contender(
        point=point,
        length=8,
        epochs=len(merits),
        merit=lambda epoch: merits[epoch - 1],
        until=until,
        waits=waits,
        **facts,
    )


def standings(*contenders: Contender) -> Standings:
    return Standings.of(contenders, ASHA.next_until)


def promoted(
    rule: PromotionRule, *contenders: Contender, asked: bool = True
) -> list[tuple[int, int | None]]:
    found = rule.promotions(Standings.of(contenders, rule.next_until), is_all_asked=asked)
    return [(promotion.point, promotion.until) for promotion in found]


def test_only_pruners_that_promote_have_such_a_rule() -> None:
    assert make_promotion_rule(Asha()) is None
    assert make_promotion_rule(Median()) is None
    assert make_promotion_rule(Asha(promote=True)) == HalvingPromotion(1, 3)
    assert make_promotion_rule(Pasha(reduction=2)) == GrowingPromotion(1, 2)
    assert make_promotion_rule(FirstEpochs(epochs=2, keep=4)) == FirstEpochsRule(2, 4)


def test_rungs_lie_before_a_trainings_end() -> None:
    assert [ASHA.next_until(epochs, 8) for epochs in (0, 1, 2, 3, 4)] == [1, 2, 4, 4, None]
    assert ASHA.next_until(4, 9) == 8
    assert ASHA.next_until(64, None) == 128
    assert ASHA.next_until(0, 1) is None


def test_one_in_so_many_at_a_rung_goes_on_and_of_equals_the_lower_number() -> None:
    four = [contender(point, [merit]) for point, merit in enumerate([0.1, 0.4, 0.4, 0.3])]
    assert promoted(ASHA, *four[:1]) == []
    assert promoted(ASHA, *four[:2]) == [(1, 2)]
    assert promoted(ASHA, *four) == [(1, 2), (2, 2)]


def test_those_that_have_gone_on_keep_their_places_whatever_became_of_them() -> None:
    gone = [contender(0, [0.9, 0.9], until=2), contender(1, [0.8], until=None, is_lost=True)]
    waiting = [contender(2, [0.7]), contender(3, [0.6])]
    assert promoted(ASHA, *gone, *waiting) == []
    assert promoted(ASHA, *gone, *waiting, contender(4, [0.1]), contender(5, [0.1])) == [(2, 2)]


def test_the_highest_rung_comes_first_and_nan_never() -> None:
    high = [contender(0, [0.5, 0.5], until=2), contender(1, [0.6, 0.4], until=2)]
    low = [contender(2, [0.7]), contender(3, [NAN]), contender(4, [0.1])]
    assert promoted(ASHA, *high, *low) == [(0, 4), (2, 2)]
    assert promoted(ASHA, contender(0, [NAN]), contender(1, [NAN])) == []


def test_first_epochs_waits_until_all_have_come_and_then_keeps_the_best() -> None:
    rule = FirstEpochsRule(epochs=2, keep=2)
    assert [rule.next_until(0, 8), rule.next_until(2, 8), rule.next_until(0, 2)] == [2, None, None]
    three = [contender(point, [0, merit], until=2) for point, merit in enumerate([0.1, 0.3, 0.2])]
    assert promoted(rule, *three, asked=False) == []
    assert promoted(rule, *three, contender(3, [0.9], until=2)) == []
    assert promoted(rule, *three, contender(3, [0.9], until=2, is_lost=True)) == [
        (1, None),
        (2, None),
    ]


def test_first_epochs_replaces_who_fails_and_not_who_is_done() -> None:
    rule = FirstEpochsRule(epochs=1, keep=1)
    waiting = contender(2, [0.2])
    assert promoted(rule, contender(0, [0.9], until=None), waiting) == []
    assert promoted(rule, contender(0, [0.9], until=None, is_complete=True), waiting) == []
    assert promoted(rule, contender(0, [0.9], until=None, is_lost=True), waiting) == [(2, None)]
    assert promoted(rule, contender(0, [0.9], waits=False), waiting) == []  # stopped at the end


def test_the_best_of_those_that_are_farthest_is_the_last_resort() -> None:
    far = [contender(0, [0, 0.1], until=2), contender(1, [0, 0.2], until=2)]
    near = contender(2, [0.9])
    resort = last_resort(standings(*far, near))
    assert resort is not None
    assert (resort.point, resort.until) == (1, None)
    assert last_resort(standings(*far, contender(3, [1], until=None, is_complete=True))) is None
    assert last_resort(standings(contender(3, [1], until=None, is_lost=True))) is None
