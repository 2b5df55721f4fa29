"""The spread start of a search: its points don't depend on results, and older studies have none."""

from __future__ import annotations

from typing import Any

import pytest

from study.controller.warm_start import EarlierPoint
from study.sampling.proposer import Proposer
from study.spec.load import spec_from_tree

SPACE: dict[str, Any] = {
    "optimizer": {
        "one_of": {"sgd": {"lr": {"log": [1e-2, 1]}}, "adamw": {"lr": {"log": [1e-3, 1e-1]}}}
    }
}


def proposer(*, spread: bool = True, require: list[str] | None = None, **sampler: Any) -> Proposer:
    tree = {"study": "s", "points": 60, "sampler": sampler, "space": SPACE}
    spec = spec_from_tree(tree | {"require": require or []})
    made = Proposer(spec.space, spec.sampler, spec.objectives, allows=spec.allows)
    made.start.is_on = spread
    return made


@pytest.mark.parametrize("name", ["tpe", "gp"])
def test_the_first_ten_points_take_branches_in_turn_whatever_was_told(name: str) -> None:
    told, untold = proposer(name=name), proposer(name=name)
    points = []
    for index in range(10):
        points.append(told.propose(index))
        told.tell(index, "COMPLETE", 0.1 * index)
    assert points == [untold.propose(index) for index in range(10)]
    names = [point["optimizer.name"] for point in points]
    assert names == names[:2] * 5
    rates = sorted(p["optimizer.lr"] for p in points if p["optimizer.name"] == "sgd")
    assert rates[0] < 0.03
    assert rates[-1] > 0.3


def test_a_sampler_that_learns_takes_over_after_its_start() -> None:
    asked = proposer(name="tpe", n_startup_trials=3)
    assert [asked.start.point(index) is None for index in range(5)] == [False] * 3 + [True] * 2


@pytest.mark.parametrize("name", ["random", "qmc", "nsga2"])
def test_other_samplers_keep_their_own_points(name: str) -> None:
    asked = proposer(name=name)
    assert asked.start.point(0) is None
    assert asked.propose(0) == proposer(name=name, spread=False).propose(0)


def test_a_study_of_before_begins_as_it_did() -> None:
    drawn = proposer(spread=False, name="tpe")
    assert drawn.start.point(0) is None
    rates = [drawn.propose(index)["optimizer.lr"] for index in range(3)]
    assert rates == pytest.approx([0.369923, 0.338325, 0.350729], rel=1e-4)


def test_points_that_break_a_rule_are_left_out() -> None:
    asked = proposer(name="tpe", require=["optimizer.lr <= 0.03"])
    assert all(asked.propose(index)["optimizer.lr"] <= 0.03 for index in range(10))


def test_points_of_earlier_studies_make_the_start_shorter() -> None:
    asked = proposer(name="tpe")
    earlier = EarlierPoint({"optimizer.name": "sgd", "optimizer.lr": 0.1}, "COMPLETE", 0.5, {})
    for _ in range(8):
        asked.add_earlier(earlier.values, earlier.state, earlier.value, earlier.reports)
    assert asked.start.point(1) is not None
    assert asked.start.point(2) is None


def test_a_point_that_is_not_expected_to_fit_in_memory_is_left_to_the_sampler() -> None:
    asked = proposer(name="tpe")
    for index in range(4):
        values = asked.propose(index)
        if values["optimizer.name"] == "sgd":
            asked.tell_infeasible(index, fits=False)
        else:
            asked.tell(index, "COMPLETE", 0.5)
    later = [asked.propose(index) for index in range(4, 10)]
    assert {point["optimizer.name"] for point in later} == {"adamw"}
