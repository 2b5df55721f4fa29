from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from analysis.results import load
from analysis.selection.pareto_front import pareto_front
from study.errors import UserError

ADAM = {"optimizer.name": "adam", "optimizer.lr": 1e-3, "accumulation": 1}


def trained(study: Any, accuracies: list[float], seconds: float, **values: Any) -> int:
    """A point whose seeds have one epoch each, of so many seconds."""
    point = study.point({**ADAM, **values})
    for replicate, accuracy in enumerate(accuracies):
        trial = study.start(point, replicate)
        study.report(trial, 1, accuracy, seconds=seconds)
        study.finish(trial, parameters=100 * (point + 1))
    study.tell(point, "COMPLETE", sum(accuracies) / len(accuracies))
    return int(point)


def test_the_front_is_of_points_by_the_means_over_their_seeds(make: Any) -> None:
    study = make()
    lucky = trained(study, [0.99, 0.71], 10.0)
    trained(study, [0.90, 0.92], 8.0)
    trained(study, [0.80, 0.82], 9.0)
    trained(study, [0.80, 0.86], 2.0)
    found = pareto_front(load(study.paths), "val_accuracy_last", "total_seconds")
    assert list(found["point"]) == [1, 3]
    assert list(found["val_accuracy_last"]) == pytest.approx([0.91, 0.83])
    assert list(found["seeds"]) == [2, 2]
    assert lucky not in set(found["point"]), "its best seed would have led a front of trials"


def test_the_front_is_that_of_comparing_all_with_all(make: Any) -> None:
    study, draw = make(), random.Random(5)
    pairs = [(draw.randint(1, 6) / 10, float(draw.randint(1, 6))) for _ in range(40)]
    for accuracy, seconds in pairs:
        trained(study, [accuracy], seconds)
    beaten = {
        i
        for (i, (a, s)), (j, (b, t)) in itertools.permutations(enumerate(pairs), 2)
        if b >= a and t <= s and (b, t) != (a, s)
    }
    found = pareto_front(load(study.paths), "value", "total_seconds")
    assert set(found["point"]) == set(range(40)) - beaten
    assert list(found["value"]) == sorted(found["value"], reverse=True)
    ties = [list(group) for _, group in found.groupby("value", sort=False)["point"]]
    assert ties == [sorted(group) for group in ties], "of equal points the lower number comes first"


def test_points_without_a_value_are_on_no_front(make: Any) -> None:
    study = make()
    trained(study, [0.5, 0.6], 5.0)
    point = study.point(ADAM)
    trial = study.start(point, 0)
    study.report(trial, 1, 0.99, seconds=1.0)
    study.prune(trial, 1)
    study.tell(point, "PRUNED", None)
    assert list(pareto_front(load(study.paths), "value", "total_seconds")["point"]) == [0]


def test_what_is_better_follows_the_objective_then_the_name(make: Any) -> None:
    spec = "study: digits-momentum\nobjective: {metric: val_loss, direction: maximize}\npoints: 2\n"
    study = make(spec=spec + "recipe: {epochs: 3}\nspace: {accumulation: {choice: [1, 2]}}\n")
    for loss in (0.1, 0.2):
        trial = study.start(study.point({"accumulation": 1}), 0)
        study.report(trial, 1, 0.5, val_loss=loss)
        study.finish(trial, parameters=7)
        study.tell(study.points - 1, "COMPLETE", loss)
    results = load(study.paths)
    assert list(pareto_front(results, "value", "parameters")["point"]) == [1]
    assert list(pareto_front(results, "val_loss_last", "parameters")["point"]) == [1]
    assert list(pareto_front(results, "train_loss_last", "parameters")["point"]) == [0, 1]


def test_columns_of_the_points_are_allowed_and_words_are_not(make: Any) -> None:
    study = make()
    for accuracy, lr in ((0.8, 1e-3), (0.9, 1e-2)):
        trained(study, [accuracy], 5.0, **{"optimizer.lr": lr})
    results = load(study.paths)
    assert "optimizer.lr" in pareto_front(results, "value", "total_seconds")
    assert list(pareto_front(results, "value", "rank")["point"]) == [1]
    with pytest.raises(UserError, match=r"'total_second' is none \(did you mean total_seconds"):
        pareto_front(results, "value", "total_second")
    with pytest.raises(UserError, match="'state' is none"):
        pareto_front(results, "value", "state")
