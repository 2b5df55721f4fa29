"""Fresh seeds: values, verdicts, winners against each other, and what the report says of them."""

from __future__ import annotations

import random
from typing import Any

import pytest

from analysis.frames import Frames
from analysis.results import load
from analysis.statistics import Difference, Estimate
from analysis.tables.points.confirmation import confirmation_table

from ...coverage.scenarios import column
from ...coverage.worlds import World, lr, spec_of

FIRST = [{"set": {"optimizer": {"name": "sgd", "lr": 0.1}}}]


def against_baseline(gain: float, noise: float, seeds: int = 5) -> Frames:
    draw, world = (
        random.Random(0),
        World(spec_of(confirm={"top": 1, "replicates": seeds, "against": "first[0]"}, first=FIRST)),
    )
    world.whole(lr(0.1), [0.80], entry=0)
    world.whole(lr(0.2), [0.90])
    common = [draw.gauss(0, 0.01) for _ in range(seeds)]
    world.confirm(0, [0.80 + shift + draw.gauss(0, noise) for shift in common])
    world.confirm(1, [0.80 + gain + shift + draw.gauss(0, noise) for shift in common])
    return world.results


@pytest.mark.parametrize(
    ("gain", "said"), [(0.05, "better"), (-0.05, "worse"), (0.0, "cannot tell")]
)
def test_the_verdict_is_that_of_the_interval_beside_it(gain: float, said: str) -> None:
    shown = confirmation_table(against_baseline(gain, 0.002))
    row = column(shown, "role").index("chosen")
    assert column(shown, "verdict")[row] == said
    found = column(shown, "over the baseline")[row]
    assert found.estimate.excludes_zero == (said != "cannot tell") == (found.p < 0.05)


def test_only_the_chosen_are_compared_with_their_search() -> None:
    shown = confirmation_table(against_baseline(0.05, 0.002))
    by_role = dict(zip(column(shown, "role"), column(shown, "fresh less search"), strict=True))
    assert by_role["baseline"] is None
    assert by_role["chosen"].value == pytest.approx(
        column(shown, "val_accuracy on fresh seeds")[0].value - 0.9
    )


ADAM = {"optimizer.name": "adam", "optimizer.lr": 1e-3}


def value(cell: Estimate | Difference) -> float:
    return cell.estimate.value if isinstance(cell, Difference) else cell.value


def confirmed(make: Any, gain: float, noise: float) -> Any:
    study = make(spec=CONFIRM)
    study.complete_point({**ADAM, "accumulation": 1}, [0.80, 0.81], origin="first", entry=0)
    study.complete_point({**ADAM, "accumulation": 2}, [0.90, 0.91])
    draw = random.Random(5)
    for replicate in range(2, 7):
        shift = noise * (-1) ** replicate + draw.gauss(0, noise / 100)
        for point, accuracy in ((0, 0.80 + shift), (1, 0.80 + gain)):
            trial = study.start(point, replicate, kind="confirm")
            study.report(trial, 3, accuracy)
            study.finish(trial)
    return load(study.paths)


CONFIRM = """\
study: digits-momentum
points: 2
replicates: 2
recipe: {epochs: 3}
space: {optimizer: {one_of: {adam: {lr: {log: [1e-5, 1e-2]}}}}, accumulation: {choice: [1, 2]}}
confirm: {top: 1, replicates: 5, against: "first[0]"}
first: [{set: {optimizer: {name: adam, lr: 1e-3}, accumulation: 1}}]
"""


@pytest.mark.parametrize(
    ("gain", "noise", "said"), [(0.05, 0.001, "better"), (-0.05, 0.001, "worse")]
)
def test_confirmation_gives_its_verdict_on_fresh_seeds(
    make: Any, gain: float, noise: float, said: str
) -> None:
    shown = confirmation_table(confirmed(make, gain, noise))
    assert [cell for cell in column(shown, "verdict") if cell] == [said]
    assert column(shown, "fresh seeds") == [5, 5]


def test_confirmation_that_cannot_tell_says_how_many_seeds_it_would_take(make: Any) -> None:
    shown = confirmation_table(confirmed(make, 0.009, 0.02))
    row = column(shown, "role").index("chosen")
    assert column(shown, "verdict")[row] == "cannot tell"
    needed = column(shown, "further seeds")[row]
    assert 130 < needed.value < 160
    assert needed.low < needed.value < needed.high
    assert value(column(shown, "fresh less search")[row]) == pytest.approx(0.809 - 0.905)
