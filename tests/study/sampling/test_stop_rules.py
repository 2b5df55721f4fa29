"""What a decision is explained by, against the pruners that take it: each decision of whole
studies, whether trials are compared by number or as they come.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from study.sampling.pruning import make_promotion_rule, make_pruner
from study.sampling.stop_rules import Comparison, StopRule, Values, make_stop_rule
from study.spec.pruners import AnyPruner, PrunerChoice
from study.spec.sections import Objective
from study.spec.spec import StudySpec
from study.validation.section import form_names

from ..fake_cluster import small_spec

EPOCHS = 12
PRUNERS: list[dict[str, Any]] = [
    {"name": "asha"},
    {"name": "asha", "min_epochs": 2, "reduction": 2},
    {"name": "hyperband", "reduction": 2},
    {"name": "hyperband", "min_epochs": 2, "max_epochs": 40},
    {"name": "median"},
    {"name": "median", "startup_trials": 0, "warmup_epochs": 2, "interval_epochs": 3},
    {"name": "median", "startup_trials": 2, "interval_epochs": 4, "min_trials": 4},
    {"name": "percentile", "percentile": 60},
    {"name": "patient", "patience": 2, "min_delta": 0.01},
    {"name": "patient", "patience": 0},
]
SEVERAL = [choice for choice in PRUNERS if choice["name"] != "patient"]
UP = Objective(metric="val_accuracy", direction="maximize")
DOWN = Objective(metric="val_loss", direction="minimize")


def choice_of(options: dict[str, Any]) -> PrunerChoice:
    spec: StudySpec = small_spec(pruner=options)
    return spec.pruner


def reports(index: int) -> list[Values]:
    """Two figures an epoch, rounded so that some are equal."""
    chance = random.Random(index)
    height = chance.random()
    return [
        (
            round(height * (1 - 0.7**epoch) + chance.gauss(0, 0.05), 2),
            round(1 - height + chance.gauss(0, 0.2), 2),
        )
        for epoch in range(1, EPOCHS + 1)
    ]


class Trials:
    """Trials that report, are decided on by a pruner, and are compared by its rule."""

    def __init__(
        self, options: dict[str, Any], objectives: tuple[Objective, ...], *, by_number: bool
    ) -> None:
        choice = choice_of(options)
        rule = make_stop_rule(choice, objectives, EPOCHS)
        assert rule is not None
        self.rule: StopRule = rule
        self.pruner = make_pruner(choice, objectives, EPOCHS, by_number=by_number)
        self.by_number = by_number
        self.only_complete = len(objectives) == 1 and choice.name in ("median", "percentile")
        self.first = 1 if objectives == (DOWN,) else 0
        self.figures = len(objectives)
        self.shown: dict[int, list[Values]] = {}
        self.complete: set[int] = set()

    def decide(self, index: int, epoch: int) -> tuple[bool, Comparison | None]:
        """What the pruner says, and the comparison where the rule decides."""
        values = reports(index)[epoch - 1][self.first : self.first + self.figures]
        stops = self.pruner.stops(index, epoch, values)
        own = self.shown.setdefault(index, [])
        own.append(values)
        if not self.rule.decides(index, epoch):
            return stops, None
        rivals = [other for other in sorted(self.shown) if self.is_rival(other, index, epoch)]
        ended = len(rivals) if self.by_number else len(self.complete)
        there = [self.shown[other][epoch - 1] for other in rivals]
        return stops, self.rule.compare(own, there, ended)

    def is_rival(self, other: int, index: int, epoch: int) -> bool:
        if other == index or len(self.shown[other]) < epoch:
            return False
        if self.rule.bracket(other) != self.rule.bracket(index):
            return False
        if self.by_number:
            return other < index
        return other in self.complete or not self.only_complete

    def run(self, seed: int) -> Iterator[tuple[bool, Comparison | None]]:
        """Every decision on thirty trials: one after the other by number, else as they come."""
        chance = random.Random(seed)
        running = list(range(30))
        while running:
            width = 1 if self.by_number else 4
            index = chance.choice(running[:width])
            epoch = len(self.shown.get(index, [])) + 1
            if epoch == EPOCHS:
                self.pruner.close(index, "COMPLETE")
                self.complete.add(index)
                running.remove(index)
                continue
            stops, comparison = self.decide(index, epoch)
            yield stops, comparison
            if stops:
                self.pruner.close(index, "PRUNED")
                running.remove(index)


@pytest.mark.parametrize("by_number", [True, False], ids=["by number", "as they come"])
@pytest.mark.parametrize("objectives", [(UP,), (DOWN,)], ids=["maximize", "minimize"])
@pytest.mark.parametrize("options", PRUNERS, ids=str)
def test_one_objective_is_decided_as_optuna_decides(
    options: dict[str, Any], objectives: tuple[Objective, ...], by_number: bool
) -> None:
    check(Trials(options, objectives, by_number=by_number))


@pytest.mark.parametrize("by_number", [True, False], ids=["by number", "as they come"])
@pytest.mark.parametrize("options", SEVERAL, ids=str)
def test_several_objectives_are_decided_as_the_fronts_are(
    options: dict[str, Any], by_number: bool
) -> None:
    check(Trials(options, (UP, DOWN), by_number=by_number))


def check(trials: Trials) -> None:
    stopped = 0
    for stops, comparison in trials.run(seed=1):
        assert stops == (comparison is not None and comparison.stops)
        stopped += stops
    assert stopped > 3


@pytest.mark.parametrize("options", PRUNERS[:-2], ids=str)
def test_what_was_needed_is_just_enough(options: dict[str, Any]) -> None:
    trials = Trials(options, (UP,), by_number=True)
    for index in range(30):
        for epoch in range(1, EPOCHS):
            _, comparison = trials.decide(index, epoch)
            if comparison is None or not comparison.stops:
                continue
            assert comparison.needed is not None
            below = [trials.shown[other] for other in range(index)]
            rivals = [
                values[epoch - 1]
                for other, values in enumerate(below)
                if trials.is_rival(other, index, epoch)
            ]
            bar = comparison.needed[0]
            assert not trials.rule.compare([(bar,)], rivals, len(rivals)).stops
            assert trials.rule.compare([(bar - 1e-9,)], rivals, len(rivals)).stops
            break


@pytest.mark.parametrize("options", SEVERAL, ids=str)
def test_a_rival_whose_values_are_enough_would_have_gone_on(options: dict[str, Any]) -> None:
    trials = Trials(options, (UP, DOWN), by_number=True)
    checked = 0
    for index in range(30):
        for epoch in range(1, EPOCHS):
            _, comparison = trials.decide(index, epoch)
            if comparison is None or comparison.needed is None:
                continue
            rivals = [
                trials.shown[other][epoch - 1]
                for other in range(index)
                if trials.is_rival(other, index, epoch)
            ]
            assert comparison.needed in rivals
            assert not trials.rule.compare([comparison.needed], rivals, len(rivals)).stops
            checked += 1
            break
    assert checked > 3


def test_each_pruner_of_a_study_file_has_its_rule() -> None:
    names = form_names(AnyPruner)
    assert "asha" in names
    for name in names:
        choice = choice_of({"name": name})
        rule = make_stop_rule(choice, (UP,), EPOCHS)
        promotes = make_promotion_rule(choice) is not None
        assert (rule is None) == (name == "none" or promotes)


def test_none_has_no_rule() -> None:
    assert make_stop_rule(choice_of({"name": "none"}), (UP,), EPOCHS) is None
