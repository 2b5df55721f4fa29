"""A point that the user drops: nothing counts it any more, the sampler learns without it, and kills
change nothing of that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment, NothingLeft
from study.errors import UserError
from study.journal.history import History
from study.journal.ranking import best_point, points_to_confirm

from ..fake_cluster import Killed, Storage, controller_on, drive, outcome, small_spec
from .studies import play

SAMPLERS = ["tpe", "random", "cmaes", "nsga2", "qmc", "gp"]
SGD = {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}}


def dropping(controller: Controller, number: int, when: int) -> Callable[[], bool]:
    """Drops a point as soon as so many points have been asked; for ``drive``, which asks whether to
    think ahead.
    """

    def look() -> bool:
        points = controller.history.points
        if len(points) >= when and not points[number].is_dropped:
            controller.drop_point(number)
        return True

    return look


def run_dropping(storage: Storage, number: int = 1, when: int = 6, **changes: Any) -> Controller:
    controller = controller_on(storage, small_spec(**changes))
    drive(controller, thinks=dropping(controller, number, when))
    return controller


def resumed(events: list[dict[str, Any]], seed: int, **changes: Any) -> Controller:
    storage = Storage()
    storage.events = list(events)
    controller = controller_on(storage, small_spec(**changes))
    drive(controller, seed=seed)
    return controller


@pytest.mark.parametrize("replicates", [1, 2])
def test_killed_after_any_event_a_reproducible_study_goes_on_without_its_dropped_point(
    replicates: int,
) -> None:
    changes: dict[str, Any] = {"reproducible": True, "replicates": replicates, "points": 9}
    storage = Storage()
    whole = run_dropping(storage, **changes)
    kinds = [event["event"] for event in storage.events]
    since = kinds.index("dropped") + 1
    for number, until in enumerate(range(since, len(kinds) + 1)):
        assert outcome(resumed(storage.events[:until], number, **changes)) == outcome(whole)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("number", [1, 5], ids=["ended", "running"])
def test_every_sampler_goes_on_the_same_after_a_kill(sampler: str, number: int) -> None:
    changes: dict[str, Any] = {"reproducible": True, "sampler": sampler, "space": SGD}
    storage = Storage()
    whole = run_dropping(storage, number, **changes)
    assert whole.is_nothing_left()
    kinds = [event["event"] for event in storage.events]
    since = kinds.index("dropped") + 1
    for until in range(since, len(kinds), 9):
        assert outcome(resumed(storage.events[:until], until, **changes)) == outcome(whole)


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize("die_between", [1, 2, 3])
def test_a_kill_in_the_midst_of_dropping_leaves_nothing_of_the_point_running(
    reproducible: bool, die_between: int
) -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(reproducible=reproducible, replicates=2))
    running = controller.next()
    assert isinstance(running, Assignment)
    storage.die_after = storage.writes + die_between
    try:
        controller.drop_point(running.point)
    except Killed:
        storage.die_after = None
    again = controller_on(storage, small_spec(reproducible=reproducible, replicates=2))
    point = again.history.points[0]
    assert point.is_dropped
    assert (point.state, point.value) == ("PRUNED", None)
    assert again.history.trials[0].state == "PRUNED"
    assert not again.is_wanted(running.trial, running.attempt)


@pytest.mark.parametrize("reproducible", [True, False])
def test_the_sampler_learns_nothing_of_it_from_then_on(reproducible: bool) -> None:
    storage = Storage()
    changes: dict[str, Any] = {"reproducible": reproducible, "pruner": "none", "space": SGD}
    controller = run_dropping(storage, **changes)
    dropped = controller.history.points[1].values["optimizer.lr"]
    for one in (controller, controller_on(storage, small_spec(**changes))):
        shown = one.population.arms[0].proposer.study.get_trials()
        learned = [trial for trial in shown if trial.state.name in ("COMPLETE", "PRUNED")]
        assert learned
        assert dropped not in [trial.params["optimizer.sgd.lr"] for trial in learned]


def test_its_number_and_its_record_stay_and_no_other_is_asked_in_its_place() -> None:
    controller = run_dropping(Storage())
    history = controller.history
    assert [point.number for point in history.points] == list(range(12))
    assert history.points[1].trials[0].rows
    assert (history.points[1].value, history.points[1].seeds) == (None, ())


def test_the_best_point_is_the_best_of_the_others() -> None:
    spec = small_spec(pruner="none", confirm={"top": 1, "replicates": 2}, sampler="random")
    controller = controller_on(Storage(), spec)
    drive(controller)
    history = controller.history
    assert controller.is_nothing_left()
    best = best_of(history, spec)
    controller.drop_point(best)
    other = best_of(history, spec)
    assert other != best
    [to_confirm] = points_to_confirm(history.points, spec, whole_seeds=True)
    assert to_confirm.number != best
    assert not controller.is_nothing_left(), "another one is confirmed in its place"
    drive(controller)
    assert best_of(history, spec) == to_confirm.number


def best_of(history: History, spec: Any) -> int:
    best = best_point(history.points, spec, whole_seeds=True)
    assert best is not None
    return best.number


def test_its_fresh_seeds_end_too() -> None:
    spec = small_spec(pruner="none", points=2, confirm={"top": 1, "replicates": 2})
    controller = controller_on(Storage(), spec)
    for _ in range(2):
        work = controller.next()
        assert isinstance(work, Assignment)
        play(controller, work)
    fresh = controller.next()
    assert isinstance(fresh, Assignment)
    assert fresh.replicate >= 1000
    controller.drop_point(fresh.point)
    assert controller.history.trials[fresh.trial].state == "PRUNED"
    other = controller.next()
    assert isinstance(other, Assignment)
    assert other.point != fresh.point


@pytest.mark.parametrize("reproducible", [True, False])
def test_a_point_that_has_not_begun_is_never_begun(reproducible: bool) -> None:
    spec = small_spec(reproducible=reproducible, points=2)
    controller = controller_on(Storage(), spec)
    number = controller.add_point({"optimizer.name": "sgd", "optimizer.lr": 0.5})
    controller.drop_point(number)
    drive(controller)
    assert controller.history.points[number].trials == {}
    assert controller.history.points[number].state == "PRUNED"
    assert controller.is_nothing_left()


def test_its_seeds_that_were_to_come_do_not_come() -> None:
    controller = controller_on(Storage(), small_spec(points=1, replicates=3, pruner="none"))
    first = controller.next()
    assert isinstance(first, Assignment)
    play(controller, first)
    controller.drop_point(0)
    assert isinstance(controller.next(), NothingLeft)
    assert len(controller.history.trials) == 1


def test_trials_that_waited_for_its_decisions_go_on() -> None:
    """In a reproducible study a trial's end waits for those of lower number."""
    controller = controller_on(Storage(), small_spec(reproducible=True))
    slow, quick = controller.next(), controller.next()
    assert isinstance(slow, Assignment)
    assert isinstance(quick, Assignment)
    play(controller, quick)
    assert controller.history.trials[quick.trial].state == "RUNNING"
    controller.drop_point(slow.point)
    assert controller.history.trials[quick.trial].state == "COMPLETE"


def test_a_study_whose_target_it_alone_had_reached_goes_on() -> None:
    spec = small_spec(pruner="none", stop={"target": 0.5}, concurrency=1, sampler="random")
    storage = Storage()
    controller = controller_on(storage, spec)
    drive(controller, workers=1)
    assert controller.stopping == "target"
    valued = [point.number for point in controller.history.points if point.value is not None]
    for number in valued:
        controller.drop_point(number)
    again = controller_on(storage, spec)
    assert not again.is_stopping()


def test_what_cannot_be_dropped_is_refused() -> None:
    controller = run_dropping(Storage(), points=6, when=3)
    with pytest.raises(UserError, match="there is no point 6; the study has 6, from 0"):
        controller.drop_point(6)
    with pytest.raises(UserError, match="point 1 is dropped already"):
        controller.drop_point(1)
