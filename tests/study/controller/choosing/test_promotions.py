"""Pruners that promote: who goes on, and that speed, kills and resumes change nothing of it."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment, NothingLeft, WaitForTrials
from study.controller.population import Population
from study.journal.failure import Failure
from study.journal.history import History
from study.journal.outcomes import search_trials
from study.journal.ranking import best_point
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

from ...fake_cluster import Killed, Storage, controller_on, curve, drive, outcome, small_spec
from ..studies import fails

ASHA: dict[str, Any] = {"name": "asha", "min_epochs": 1, "reduction": 2, "promote": True}
FIRST: dict[str, Any] = {"name": "first-epochs", "epochs": 2, "keep": 3}
PASHA: dict[str, Any] = {"name": "pasha", "min_epochs": 1, "reduction": 2}
PRUNERS = [ASHA, FIRST, PASHA]
each_pruner = pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: str(pruner["name"]))


def decisions(events: list[dict[str, Any]]) -> list[Any]:
    """What was decided, in its order: points asked, their trials promoted, and what was seen."""
    found: list[Any] = []
    points = {event["trial"]: event["point"] for event in events if event["event"] == "started"}
    for event in events:
        if event["event"] == "asked":
            found.append((event["values"], event.get("horizon")))
        elif event["event"] == "promoted":
            found.append((points[event["trial"]], event["until"], event.get("horizon")))
    return found


def run(
    seed: int = 0, workers: int = 2, storage: Storage | None = None, **changes: Any
) -> tuple[Controller, list[Any]]:
    storage = storage or Storage()
    controller = controller_on(storage, small_spec(**{"recipe": {"epochs": 9}} | changes))
    chance = random.Random(seed)
    drive(controller, seed=seed, workers=workers, thinks=lambda: chance.random() < 0.5)
    return controller, decisions(storage.events)


# -- what comes out ----------------------------------------------------------------------


@pytest.mark.parametrize("reproducible", [True, False])
def test_asha_goes_on_with_the_best_and_stops_nobody_before_the_end(reproducible: bool) -> None:
    storage = Storage()
    controller, _ = run(storage=storage, pruner=ASHA, reproducible=reproducible, points=20)
    trials = controller.history.trials
    lengths = Counter(trial.epochs for trial in trials)
    assert set(lengths) <= {1, 2, 4, 8, 9}
    assert lengths[1] >= 6
    assert {trial.state for trial in trials if trial.epochs == 9} == {"COMPLETE"}
    assert {trial.state for trial in trials if trial.epochs < 9} == {"PRUNED"}
    kinds = [event["event"] for event in storage.events]
    assert kinds.index("stopped") > len(kinds) - 1 - kinds[::-1].index("reported")
    assert controller.is_nothing_left()
    assert all(attempt.set_aside == "rung" for trial in trials for attempt in trial.attempts[:-1])


@pytest.mark.parametrize("reproducible", [True, False])
def test_first_epochs_trains_all_a_little_and_the_best_few_to_their_end(
    reproducible: bool,
) -> None:
    controller, _ = run(pruner=FIRST, reproducible=reproducible)
    trials = controller.history.trials
    assert Counter(trial.epochs for trial in trials) == {2: 9, 9: 3}
    at_two = {trial.point: trial.rows[1]["val_accuracy"] for trial in trials}
    best = sorted(at_two, key=lambda point: -at_two[point])[:3]
    assert {trial.point for trial in trials if trial.epochs == 9} == set(best)


# -- the same whatever happens -----------------------------------------------------------


@each_pruner
@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
@pytest.mark.parametrize("replicates", [1, 2])
def test_decisions_are_the_same_whatever_trials_take_and_however_many_workers_there_are(
    pruner: dict[str, Any], sampler: str, replicates: int
) -> None:
    changes: dict[str, Any] = {
        "pruner": pruner,
        "replicates": replicates,
        "points": 15,
        "sampler": sampler if sampler != "tpe" else {"name": "tpe", "n_startup_trials": 4},
        "space": {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}},
    }
    if replicates == 1 and sampler == "tpe":
        del changes["space"]  # trials of two costs
    first, decided = run(0, **changes)
    for seed, workers in [(1, 2), (2, 1), (3, 7)]:
        other, also_decided = run(seed, workers, **changes)
        assert also_decided == decided
        assert outcome(other) == outcome(first)


@each_pruner
def test_levels_are_ranked_each_for_itself(pruner: dict[str, Any]) -> None:
    changes: dict[str, Any] = {
        "pruner": pruner,
        "points": 16,
        "mode": "method-study",
        "roles": {"scientific": ["optimizer.name"]},
        "concurrency": 3,
    }
    controller, decided = run(0, **changes)
    assert run(5, 4, **changes)[1] == decided
    complete = [point for point in controller.history.points if point.state == "COMPLETE"]
    by_level = Counter(point.level for point in complete)
    assert by_level.keys() == {0, 1}
    assert pruner is not FIRST or set(by_level.values()) == {3}


@each_pruner
@pytest.mark.parametrize("reproducible", [True, False])
def test_a_kill_after_every_single_write_changes_no_decision(
    pruner: dict[str, Any], reproducible: bool
) -> None:
    changes: dict[str, Any] = {
        "pruner": pruner,
        "reproducible": reproducible,
        "replicates": 2,
        "points": 5,
        "sampler": {"name": "tpe", "n_startup_trials": 2},
        "recipe": {"epochs": 5},
        "confirm": {"top": 1, "replicates": 1},
    }
    whole = Storage()
    uninterrupted, decided = run(storage=whole, **changes)
    for die_after in range(1, whole.writes, 1 if reproducible else 5):
        storage, checkpoints = Storage(), dict[int, int]()
        storage.die_after = die_after
        try:
            controller = controller_on(storage, small_spec(**changes))
            drive(controller, seed=die_after, checkpoints=checkpoints)
        except Killed:
            storage.die_after = None
        else:
            break
        resumed = controller_on(storage, small_spec(**changes))
        drive(resumed, seed=die_after + 1, checkpoints=checkpoints)
        ended = Counter(event["trial"] for event in storage.events if event["event"] == "ended")
        assert set(ended.values()) == {1}, "a trial ended twice"
        assert {point.state for point in resumed.history.points} <= {"COMPLETE", "PRUNED"}
        if reproducible:
            assert decisions(storage.events) == decided
            assert outcome(resumed) == outcome(uninterrupted)


@each_pruner
def test_killed_again_and_again_with_trials_that_make_way_and_nodes_that_are_lost(
    pruner: dict[str, Any],
) -> None:
    changes: dict[str, Any] = {"pruner": pruner, "points": 14, "concurrency": 3}
    whole, decided = run(0, **changes)
    storage, checkpoints = Storage(), dict[int, int]()
    for session in range(200):
        storage.die_after = storage.writes + 11
        chance = random.Random(session)

        def lost(assignment: Assignment, epoch: int, chance: random.Random = chance) -> Any:
            return Failure("node", "gone") if chance.random() < 0.05 else None

        def often(assignment: Assignment, epoch: int, chance: random.Random = chance) -> bool:
            return chance.random() < 0.2

        try:
            spec = small_spec(**{"recipe": {"epochs": 9}} | changes)
            controller = controller_on(storage, spec)
            drive(
                controller,
                seed=session,
                workers=3,
                hurt=lost,
                makes_way=often,
                checkpoints=checkpoints,
            )
            break
        except Killed:
            continue
    assert decisions(storage.events) == decided
    assert outcome(controller) == outcome(whole)


def test_a_trial_whose_state_is_gone_trains_its_epochs_once_more_and_then_goes_on() -> None:
    class Forgetful(dict[int, int]):
        """Keeps no checkpoint, as a function that never hands over a state."""

        def __setitem__(self, trial: int, epoch: int) -> None:
            pass

    first, decided = run(0, pruner=ASHA)
    storage = Storage()
    controller = controller_on(storage, small_spec(pruner=ASHA, recipe={"epochs": 9}))
    drive(controller, checkpoints=Forgetful())
    assert decisions(storage.events) == decided
    assert outcome(controller) == outcome(first)


# -- what users do -------------------------------------------------------------------------


@each_pruner
@pytest.mark.parametrize("reproducible", [True, False])
def test_a_study_that_has_ended_goes_on_with_more_points_against_the_old_ones(
    pruner: dict[str, Any], reproducible: bool
) -> None:
    changes: dict[str, Any] = {"pruner": pruner, "reproducible": reproducible}
    storage = Storage()
    run(storage=storage, points=10, **changes)
    ended = [event["trial"] for event in storage.events if event["event"] == "ended"]
    events = list(storage.events)
    longer, decided = run(3, storage=storage, points=16, **changes)
    assert len(longer.history.points) == 16
    assert longer.is_nothing_left()
    started = [e["trial"] for e in storage.events[len(events) :] if e["event"] == "started"]
    assert not set(started) & set(ended)
    if reproducible:
        again = Storage()
        again.events = events
        other, also_decided = run(8, 5, storage=again, points=16, **changes)
        assert also_decided == decided
        assert outcome(other) == outcome(longer)


@each_pruner
def test_a_study_gets_more_points_while_it_runs(pruner: dict[str, Any]) -> None:
    storage = Storage()
    spec = small_spec(pruner=pruner, points=6, recipe={"epochs": 9})
    controller = controller_on(storage, spec)
    for _ in range(2):
        work = controller.next()
        assert isinstance(work, Assignment)
        report(controller, work, 1)
    controller.adopt(small_spec(pruner=pruner, points=12, recipe={"epochs": 9}), [])
    controller.stopping = "interrupted"
    controller = controller_on(storage, controller.spec)
    drive(controller)
    assert len(controller.history.points) == 12
    assert controller.is_nothing_left()


def report(controller: Controller, work: Assignment, epoch: int) -> None:
    """Report an epoch, and put the trial down where it waits."""
    row = {"epoch": epoch, "last": False, **curve(work.recipe, epoch)}
    assert controller.reported(work.trial, work.attempt, row)
    if epoch == work.until:
        controller.set_aside(work.trial, work.attempt, epoch, "share")


@each_pruner
@pytest.mark.parametrize("reproducible", [True, False])
def test_a_promoted_trial_that_fails_gives_its_place_to_the_next(
    pruner: dict[str, Any], reproducible: bool
) -> None:
    changes: dict[str, Any] = {"pruner": pruner, "reproducible": reproducible}
    first, _ = run(**changes)
    best = best_point(first.history.points, first.spec, whole_seeds=True)
    assert best is not None
    spec = small_spec(**changes, recipe={"epochs": 9})
    hurt = controller_on(Storage(), spec)
    drive(hurt, hurt=fails("error", {best.number}, 0, epoch=9))
    states = Counter(point.state for point in hurt.history.points)
    assert hurt.history.points[best.number].state == "FAIL"
    assert states["COMPLETE"] >= 1
    if pruner is FIRST:
        assert states["COMPLETE"] == 3
    drive_retry(hurt, best.number)
    assert hurt.history.points[best.number].state == "COMPLETE"


def drive_retry(controller: Controller, point: int) -> None:
    """Run a point's failed trial again."""
    from study.journal.events import PointReopened

    trial = controller.history.points[point].trials[0]
    controller.record(PointReopened(point=point, trial=trial.number, why="retry"))
    drive(controller)


def test_where_all_fail_but_one_that_one_comes_to_its_end() -> None:
    everyone = set(range(12)) - {7}
    for pruner in PRUNERS:
        for reproducible in (True, False):
            controller = controller_on(
                Storage(),
                small_spec(
                    pruner=pruner,
                    reproducible=reproducible,
                    recipe={"epochs": 9},
                    trial={"retries": {"error": 0}},
                ),
                keep_going=True,
            )
            drive(controller, hurt=fails("error", everyone, 0, epoch=5))
            assert controller.history.points[7].state == "COMPLETE"
            assert controller.is_nothing_left()


@each_pruner
def test_the_user_stops_and_drops_what_waits_and_adds_a_point(pruner: dict[str, Any]) -> None:
    controller = controller_on(Storage(), small_spec(pruner=pruner, recipe={"epochs": 9}))
    until = 2 if pruner is FIRST else 1
    for _ in range(3):
        work = controller.next()
        assert isinstance(work, Assignment)
        assert work.until == until
        for epoch in range(1, until + 1):
            report(controller, work, epoch)
    trials = controller.history.trials
    waiting = [trial.number for trial in trials if trial.state == "WAITING"]
    assert waiting
    assert controller.stop_trial(waiting[0])
    assert (trials[waiting[0]].state, trials[waiting[0]].stopped_by) == ("PRUNED", "user")
    controller.drop_point(trials[waiting[-1]].point)
    added = controller.add_point({"optimizer.name": "sgd", "optimizer.lr": 0.1})
    drive(controller)
    assert controller.is_nothing_left()
    assert controller.history.points[added].state in ("COMPLETE", "PRUNED")
    assert len(controller.history.points) == 13


def test_a_trial_waits_until_it_is_put_down_and_is_told_to_the_sampler_as_stopped() -> None:
    storage = Storage()
    spec = small_spec(pruner=ASHA, reproducible=False, sampler={"name": "tpe"}, concurrency=1)
    controller = controller_on(storage, spec)
    work = controller.next()
    assert isinstance(work, Assignment)
    row = {"epoch": 1, "last": False, **curve(work.recipe, 1)}
    assert controller.reported(work.trial, work.attempt, row)
    trial = controller.history.trials[0]
    assert (trial.waits, trial.is_idle, trial.state) == (True, False, "RUNNING")
    told = controller.population.arms[0].proposer.study.trials
    assert [(each.state.name, len(each.intermediate_values)) for each in told] == [("PRUNED", 1)]
    killed = controller_on(storage, spec)  # before the worker has put it down
    assert (killed.history.trials[0].state, killed.history.points[0].state) == 2 * ("WAITING",)
    controller.set_aside(0, 1, 1, "share")
    assert storage.events[-1]["why"] == "rung"
    assert (trial.state, controller.history.points[0].state) == ("WAITING", "WAITING")
    second = controller.next()
    assert isinstance(second, Assignment)
    assert second.point == 1
    assert controller.count_startable() == 10


def test_trainings_no_longer_than_the_first_rung_never_wait() -> None:
    controller, _ = run(pruner={**FIRST, "epochs": 9})
    assert {trial.state for trial in controller.history.trials} == {"COMPLETE"}


def test_an_own_training_that_ends_where_it_would_have_waited_is_complete() -> None:
    """Its length isn't known: the function returns as soon as it is gone on with."""
    spec = spec_from_tree(
        {
            "study": "own",
            "train": "module:function",
            "objective": {"metric": "score", "direction": "maximize"},
            "points": 4,
            "concurrency": 1,
            "pruner": {"name": "first-epochs", "keep": 1},
            "space": {"lr": {"log": [1e-3, 1]}},
        }
    )
    controller = controller_on(Storage(), spec, nominal_cost=lambda config: 1.0)
    while isinstance(work := controller.next(), Assignment):
        trial, attempt = work.trial, work.attempt
        if work.epochs_reported:
            controller.finished(trial, attempt, "returned", {})
            continue
        row = {"epoch": 1, "last": False, "seconds": 1.0, "score": work.recipe["lr"]}
        assert controller.reported(trial, attempt, row)
        controller.set_aside(trial, attempt, 1, "rung")
    assert isinstance(work, NothingLeft)
    assert not isinstance(work, WaitForTrials)
    states = Counter(point.state for point in controller.history.points)
    assert states == {"COMPLETE": 1, "PRUNED": 3}


def test_a_journal_read_alone_knows_who_waits() -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(pruner=ASHA, recipe={"epochs": 9}))
    work = controller.next()
    assert isinstance(work, Assignment)
    report(controller, work, 1)
    history = History(storage.events)
    assert [trial.state for trial in history.trials] == ["WAITING"]
    assert history.trials[0].until == 1


@each_pruner
def test_points_that_wait_are_not_looked_at_for_work(pruner: dict[str, Any]) -> None:
    controller = replayed_after(60, small_spec(points=20, pruner=pruner), workers=2)
    population = controller.population
    most_waiting = 0

    def compare() -> bool:
        nonlocal most_waiting
        firsts = [point.trials.get(0) for point in population.open_points.values()]
        waiting = {first.point for first in firsts if first is not None and first.waits}
        others = [n for n in population.open_points if n not in waiting]
        expected = [n for n in others if may_start(population, n)]
        assert [point.number for point in population.startable_points()] == expected
        most_waiting = max(most_waiting, len(waiting))
        return False

    compare()  # as replayed
    drive(controller, thinks=compare)
    assert most_waiting > 5
    assert population.startable_points() == []


def replayed_after(writes: int, spec: StudySpec, *, workers: int) -> Controller:
    """A study's controller that has replayed the records of one which was killed after so many."""
    storage = Storage()
    storage.die_after = writes
    with pytest.raises(Killed):
        drive(controller_on(storage, spec), workers=workers)
    storage.die_after = None
    return controller_on(storage, spec)


def may_start(population: Population, number: int) -> bool:
    """Whether a point has a trial that nobody trains, or needs another."""
    point = population.open_points[number]
    is_any_idle = any(trial.is_idle for trial in search_trials(point))
    return is_any_idle or isinstance(population.next_replicate(point), int)


@pytest.mark.parametrize("pruner", ["none", "asha"])
def test_points_whose_trials_all_run_are_not_looked_at_for_work(pruner: str) -> None:
    """So what a free worker does next is found in the same time however many there are."""
    spec = small_spec(points=20, replicates=3, concurrency=8, pruner=pruner)
    controller = replayed_after(80, spec, workers=8)
    population = controller.population
    compared = 0

    def compare() -> bool:
        nonlocal compared
        expected = [n for n in population.open_points if may_start(population, n)]
        assert [point.number for point in population.startable_points()] == expected
        compared += len(expected) < len(population.open_points)
        return False

    compare()  # as replayed, with all trials idle
    drive(controller, workers=8, thinks=compare)
    assert compared > 20


def test_seeds_that_a_study_is_extended_by_are_looked_at_for_work() -> None:
    spec = small_spec(points=4, replicates=1, pruner="none")
    controller = controller_on(Storage(), spec)
    while isinstance(controller.next(), Assignment):
        pass
    assert controller.population.startable_points() == []
    controller.adopt(small_spec(points=4, replicates=2, pruner="none"), [])
    assert len(controller.population.startable_points()) == 4
