"""Studies with rules between values: every proposal keeps them, and they stay reproducible."""

from __future__ import annotations

from typing import Any

import pytest

from study.spec.spec import StudySpec

from ..fake_cluster import Killed, Storage, controller_on, drive, outcome, small_spec

TENTH = "optimizer.lr >= 10 ** (-0.3)"
"""Holds for a tenth of the space below."""
SPACE = {"optimizer": {"name": "sgd", "lr": {"log": [1e-3, 1]}, "momentum": {"uniform": [0, 0.99]}}}
GRID = {"optimizer": {"lr": {"choice": [0.01, 0.1, 1.0]}}, "accumulation": {"choice": [1, 2, 4]}}
SAMPLERS = ["tpe", "random", "cmaes", "nsga2", "qmc"]


def ruled_spec(sampler: str = "tpe", **changes: Any) -> StudySpec:
    tree = {"space": SPACE, "require": [TENTH], "sampler": sampler, "points": 14}
    return small_spec(**(tree | changes))


def assert_rules_hold(spec: StudySpec, history: Any) -> None:
    for point in history.points:
        assert not spec.broken_rules(point.values), point.values


def killed_and_resumed(spec: StudySpec, every: int, seed: int) -> Any:
    storage, checkpoints = Storage(), dict[int, int]()
    for session in range(200):
        storage.die_after = storage.writes + every
        try:
            controller = controller_on(storage, spec)
            drive(controller, seed=seed + session, checkpoints=checkpoints)
        except Killed:
            continue
        return controller
    raise AssertionError("never came to its end")


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_where_a_tenth_of_the_space_passes_all_points_keep_the_rule_however_often_it_is_killed(
    sampler: str,
) -> None:
    spec = ruled_spec(sampler)
    whole = controller_on(Storage(), spec)
    drive(whole, seed=0)
    assert len(whole.history.points) == 14
    assert_rules_hold(spec, whole.history)
    other_pace = controller_on(Storage(), spec)
    drive(other_pace, seed=5)
    assert outcome(other_pace) == outcome(whole)
    assert outcome(killed_and_resumed(spec, every=23, seed=9)) == outcome(whole)


def test_a_gaussian_process_keeps_the_rule_too() -> None:
    spec = ruled_spec("gp", points=13, pruner="none")
    controller = controller_on(Storage(), spec)
    drive(controller)
    assert_rules_hold(spec, controller.history)


def test_every_point_keeps_a_rule_that_hardly_any_draw_does() -> None:
    spec = ruled_spec("tpe", require=["0.5 < optimizer.momentum < 0.502"], points=6)
    controller = controller_on(Storage(), spec)
    drive(controller)
    assert_rules_hold(spec, controller.history)


def test_a_grid_runs_exactly_those_of_its_points_that_keep_the_rule() -> None:
    rules = ["optimizer.lr * accumulation <= 0.4"]
    spec = small_spec(space=GRID, sampler="grid", require=rules, points=40, pruner="none")
    assert spec.points == 6
    controller = controller_on(Storage(), spec)
    drive(controller)
    found = [
        (point.values["optimizer.lr"], point.values["accumulation"])
        for point in controller.history.points
    ]
    assert found == [(0.01, 1), (0.01, 2), (0.01, 4), (0.1, 1), (0.1, 2), (0.1, 4)]


def test_a_study_without_rules_proposes_what_it_always_did() -> None:
    plain = controller_on(Storage(), small_spec())
    drive(plain)
    lax = controller_on(Storage(), small_spec(require=["optimizer.lr > 0"]))
    drive(lax)
    assert outcome(lax) == outcome(plain)


def test_40_points_extended_to_more_equal_a_straight_run() -> None:
    straight = controller_on(Storage(), ruled_spec(points=16))
    drive(straight, seed=1)
    storage = Storage()
    drive(controller_on(storage, ruled_spec(points=9)), seed=2)
    extended = controller_on(storage, ruled_spec(points=16))
    drive(extended, seed=3)
    assert outcome(extended) == outcome(straight)


def test_each_level_of_a_method_study_keeps_the_rules() -> None:
    space = {
        "optimizer": {
            "one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}, "adam": {"lr": {"log": [1e-3, 1]}}}
        }
    }
    spec = small_spec(
        space=space,
        roles={"scientific": ["optimizer.name"]},
        mode="method-study",
        require=["optimizer.name == 'sgd' or optimizer.lr < 0.01"],
    )
    controller = controller_on(Storage(), spec)
    drive(controller)
    names = [point.values["optimizer.name"] for point in controller.history.points]
    assert (names.count("sgd"), names.count("adam")) == (6, 6)
    assert_rules_hold(spec, controller.history)
    assert (
        max(
            point.values["optimizer.lr"]
            for point in controller.history.points
            if point.values["optimizer.name"] == "sgd"
        )
        > 0.01
    )
