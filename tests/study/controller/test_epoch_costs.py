"""What an epoch costs on the virtual clock, and when that is counted."""

from __future__ import annotations

from typing import Any

from study.controller.next_work import Assignment

from ..fake_cluster import Storage, controller_on, drive, small_spec


def test_costs_are_counted_once_the_clock_needs_them_and_are_recorded() -> None:
    counted: list[float] = []

    def cost(recipe: Any) -> float:
        counted.append(recipe.optimizer.lr)
        return 2.0

    storage, spec = Storage(), small_spec()
    controller = controller_on(storage, spec, nominal_cost=cost)
    assert controller.goes_by_cost
    controller.think_ahead()
    held = [controller.next(), controller.next()]
    assert all(isinstance(assignment, Assignment) for assignment in held)
    assert not counted, (
        "nothing goes by the clock yet: torch needn't be loaded for the first trials"
    )
    controller = controller_on(storage, spec, nominal_cost=cost)
    drive(controller)
    points = controller.history.points
    assert {point.epoch_cost for point in points} <= {2.0, None}
    assert all(point.epoch_cost == 2.0 for point in points[: -spec.concurrency])
    assert len([event for event in storage.events if event["event"] == "costed"]) >= 3
    before = len(counted)
    resumed = controller_on(storage, spec, nominal_cost=cost)
    assert [point.epoch_cost for point in resumed.history.points] == [
        point.epoch_cost for point in points
    ]
    assert len(counted) == before, "what is recorded isn't counted again"
    assert not resumed.goes_by_cost
