"""What may be decided, against every decision on all that there may be."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest

from study.inspection.decisions.replay.possible_stops import Field, may_stop
from study.sampling.stop_rules import HalvingRule, PatientRule, RankedRule, StopRule, Values

OPTIONS = {"startup_trials": 2, "warmup_epochs": 0, "interval_epochs": 1, "min_trials": 2}
RULES: list[StopRule] = [
    HalvingRule(1.0, 1, 2),
    HalvingRule(-1.0, 1, 3),
    RankedRule(1.0, OPTIONS),
    RankedRule(-1.0, OPTIONS | {"percentile": 30.0}),
]
FAR = (-9.0, 9.0)


def worlds(field: Field) -> Iterator[list[Values]]:
    """Every set of rivals that there may be; of what nobody knows the extremes."""
    choices: list[list[Values | None]] = []
    for values in field.perhaps:
        there: list[Values | None] = [(far,) for far in FAR] if values is None else [values]
        choices.append([None, *there])
    for chosen in itertools.product(*choices):
        yield [*field.sure, *(values for values in chosen if values is not None)]


def fields(chance: random.Random) -> Field:
    def value() -> Values:
        return (round(chance.uniform(-1, 1), 1),)

    sure = [value() for _ in range(chance.randint(0, 5))]
    perhaps = [value() if chance.random() < 0.7 else None for _ in range(chance.randint(0, 4))]
    return Field(sure, perhaps, (len(sure), len(sure) + len(perhaps)))


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_whatever_may_be_is_among_what_is_said_and_hardly_more(rule: StopRule) -> None:
    chance = random.Random(3)
    certain, needless = 0, 0
    for _ in range(300):
        field, own = fields(chance), (round(chance.uniform(-1, 1), 1),)
        found = may_stop(rule, [own], field)
        really = {rule.compare([own], rivals, len(rivals)).stops for rivals in worlds(field)}
        assert really <= found
        certain += len(really) == 1
        needless += really != found
    assert certain > 80
    assert needless <= certain / 4


def test_a_halving_rule_is_told_exactly() -> None:
    chance = random.Random(5)
    for _ in range(300):
        rule, field = RULES[chance.randint(0, 1)], fields(chance)
        own = (round(chance.uniform(-1, 1), 1),)
        really = {rule.compare([own], rivals, len(rivals)).stops for rivals in worlds(field)}
        assert may_stop(rule, [own], field) == really


def test_a_trial_that_is_compared_with_itself_is_certain() -> None:
    field = Field([(1.0,)], [None], (1, 2))
    assert may_stop(PatientRule(1.0, 0, 0.0), [(0.5,), (0.4,)], field) == {True}
    assert may_stop(PatientRule(1.0, 0, 0.0), [(0.5,), (0.6,)], field) == {False}
