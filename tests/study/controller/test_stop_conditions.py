"""When a study as a whole has had enough."""

from __future__ import annotations

import time
from typing import Any

import pytest

from study.files.layout import StudyPaths
from study.files.storage_uri import storage_path
from study.journal.events import Placement, PricesSet, SessionOpened
from study.journal.failure import Failure

from ..fake_cluster import Storage, controller_on, drive, small_spec

PLACE = Placement(host="here", node="n", pid=7, device="NVIDIA")


def test_the_same_failure_three_times_in_a_row_stops_the_study() -> None:
    def hurt(assignment: Any, epoch: int) -> dict[str, Any]:
        return Failure("error", f"no module named x{assignment.point}")

    controller = controller_on(Storage(), small_spec())
    drive(controller, hurt=hurt)
    assert controller.stopping == "halted"
    assert len(controller.history.points) <= 5
    halted = str(controller.halt(StudyPaths(storage_path("studies"), "fake")))
    assert "no module named x" in halted
    assert "`study retry fake --failed`" in halted
    assert halted.endswith("or go on with `study resume fake --keep-going`.")


def test_the_target_ends_a_study() -> None:
    controller = controller_on(
        Storage(), small_spec(stop={"target": 0.5}, points=40, pruner="none")
    )
    drive(controller)
    assert controller.stopping == "target"
    assert len(controller.history.points) < 40


@pytest.mark.parametrize("budget", ["wall_hours", "gpu_hours"])
def test_a_spent_budget_stops_a_study_while_its_workers_are_busy(budget: str) -> None:
    spec = small_spec(stop={budget: 0.01 / 3600}, resources={"cpus": 1, "gpus": 0.5})
    controller = controller_on(Storage(), spec)
    assert not controller.is_stopping()
    controller.next()
    controller.placed(0, 1, PLACE)
    time.sleep(0.05)
    assert controller.is_stopping()
    assert controller.stopping == budget
    assert not controller.is_nothing_left()


def test_what_all_attempts_have_held_is_added_up_only_where_there_is_a_limit() -> None:
    controller = controller_on(Storage(), small_spec(stop={"wall_hours": 1.0}))
    controller.next()
    controller.history.trials = None  # type: ignore[assignment] # else each look costs all of them
    assert not controller.is_stopping()


def test_spent_money_stops_a_study_by_the_prices_of_each_attempt_and_node() -> None:
    spec = small_spec(stop={"spend": 1.0}, prices={"cpu_hour": 1})
    controller = controller_on(Storage(), spec)
    prices = {"cpu_hour": 0.001, "by_label": {"kind": {"dear": {"cpu_hour": 3600 * 1000}}}}
    controller.record(PricesSet(prices=prices, cpus=1, gpus=0))
    controller.next()
    controller.placed(0, 1, PLACE)
    time.sleep(0.05)
    assert not controller.is_stopping()
    controller.next()
    controller.placed(1, 1, Placement(**PLACE, labels={"kind": "dear"}))
    time.sleep(0.05)
    assert controller.is_stopping()
    assert controller.stopping == "spend"


def test_time_before_a_driver_heard_of_a_trial_is_money_too() -> None:
    spec = small_spec(stop={"spend": 1.0}, prices={"cpu_hour": 1})
    controller = controller_on(Storage(), spec)
    controller.record(PricesSet(prices={"cpu_hour": 3600 * 10}, cpus=1, gpus=0))
    controller.next()
    time.sleep(0.15)
    assert not controller.is_stopping()
    controller.placed(0, 1, Placement(**PLACE, held_s=0.12))
    assert controller.is_stopping()
    assert controller.stopping == "spend"


def test_money_that_earlier_drivers_have_spent_counts() -> None:
    spec = small_spec(stop={"spend": 1.0}, prices={"cpu_hour": 1})
    storage = Storage()
    controller = controller_on(storage, spec)
    controller.record(PricesSet(prices={"cpu_hour": 3600 * 1000}, cpus=1, gpus=0))
    controller.next()
    controller.placed(0, 1, PLACE)
    time.sleep(0.05)
    controller.failed(0, 1, Failure("node", "gone"))
    assert controller_on(storage, spec).is_stopping()


def test_a_trial_that_waits_for_room_holds_no_gpu() -> None:
    spec = small_spec(stop={"gpu_hours": 0.01 / 3600}, resources={"cpus": 1, "gpus": 1})
    controller = controller_on(Storage(), spec)
    controller.next()
    time.sleep(0.05)
    assert not controller.is_stopping()


@pytest.mark.parametrize("budget", ["wall_hours", "gpu_hours"])
def test_a_clock_that_is_set_meanwhile_spends_no_budget(
    budget: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = small_spec(stop={budget: 1.0}, resources={"cpus": 1, "gpus": 1})
    controller = controller_on(Storage(), spec)
    controller.record(SessionOpened(session=1, pid=1, host="here", command="study", provenance={}))
    controller.next()
    controller.placed(0, 1, PLACE)
    assert not controller.is_stopping()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * 3600)
    assert not controller.is_stopping()
