"""What a free worker does next."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from study.errors import SpecError
from study.spec.spec import StudySpec

from ..fake_cluster import Storage, controller_on, drive, outcome, small_spec
from .studies import run_whole


def test_values_that_do_not_go_together_fail_their_own_trial_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = StudySpec.training

    def picky(
        self: StudySpec, values: dict[str, Any], changed: dict[str, Any] | None = None
    ) -> Any:
        if values["optimizer.lr"] < 0.01:
            raise SpecError(["such a rule as only the whole recipe breaks"])
        return together(self, values, changed)

    monkeypatch.setattr(StudySpec, "training", picky)
    controller = controller_on(Storage(), small_spec(points=24))
    drive(controller)
    failed = [point for point in controller.history.points if point.values["optimizer.lr"] < 0.01]
    assert 0 < len(failed) < 24
    assert {point.number for point in controller.history.points if point.state == "FAIL"} == {
        p.number for p in failed
    }
    assert {
        trial.failure.failure_class
        for point in failed
        for trial in point.trials.values()
        if trial.failure
    } == {"invalid"}


def test_a_point_that_a_user_adds_takes_the_place_of_one_that_was_thought_of() -> None:
    def with_addition(*, thinks: bool) -> list[tuple[Any, ...]]:
        controller = controller_on(Storage(), small_spec(points=20))
        controller.add_point({"optimizer.name": "sgd", "optimizer.lr": 0.1})
        if thinks:
            controller.think_ahead()
        controller.add_point({"optimizer.name": "adam", "optimizer.lr": 0.01})
        drive(controller, thinks=lambda: thinks)
        return outcome(controller)

    assert with_addition(thinks=True) == with_addition(thinks=False)


def test_a_method_study_gives_each_level_the_same_number_of_points_in_turn() -> None:
    spec = small_spec(
        mode="method-study", roles={"scientific": ["optimizer.name"], "nuisance": ["optimizer.lr"]}
    )
    controller = controller_on(Storage(), spec)
    drive(controller)
    names = [point.values["optimizer.name"] for point in controller.history.points]
    assert Counter(names) == {"sgd": 6, "adam": 6}
    assert names[:4] == ["sgd", "adam", "sgd", "adam"]


def test_a_reproducible_study_does_not_depend_on_its_name_or_on_how_many_points_follow() -> None:
    few, many = (
        run_whole(study="one", points=12),
        run_whole(3, study="another", points=20, question="?"),
    )
    assert many[:12] == few
