"""The controller on a fake cluster: what runs, who stops, what the sampler hears, and that kills
change nothing.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.errors import SpecError
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.extension import reopenings
from study.journal.failure import Failure
from study.journal.trials import ENDED_STATES
from study.spec.spec import StudySpec

from ..fake_cluster import Killed, Storage, controller_on, curve, drive, outcome, small_spec

PRUNERS: list[dict[str, Any]] = [
    {"name": "none"},
    {"name": "asha", "min_epochs": 1, "reduction": 2},
    {"name": "hyperband", "min_epochs": 1, "reduction": 2},
    {"name": "median"},
    {"name": "percentile"},
    {"name": "patient"},
]


RULES = ["whole", "survivors"]
"""How seeds count: as in a study that is new, and as in one that was begun when the pruner judged
every seed.
"""


def run_whole(
    seed: int = 0, workers: int = 2, seeds: str = "whole", **changes: Any
) -> list[tuple[Any, ...]]:
    controller = controller_on(Storage(), small_spec(**changes), seeds=seeds)
    drive(controller, seed=seed, workers=workers)
    return outcome(controller)


@pytest.mark.parametrize("reproducible", [True, False])
def test_a_study_ends_with_exactly_the_points_it_asks_for(reproducible: bool) -> None:
    controller = controller_on(Storage(), small_spec(reproducible=reproducible))
    drive(controller)
    assert [point.number for point in controller.history.points] == list(range(12))
    assert all(point.state in ENDED_STATES for point in controller.history.points)
    assert {trial.state for trial in controller.history.trials} == {"COMPLETE", "PRUNED"}
    assert controller.is_nothing_left()


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: str(pruner["name"]))
@pytest.mark.parametrize(("replicates", "seeds"), [(1, "whole"), (2, "survivors"), (3, "whole")])
def test_a_reproducible_study_is_the_same_whatever_trials_take(
    pruner: dict[str, Any], replicates: int, seeds: str
) -> None:
    runs = [run_whole(seed, pruner=pruner, replicates=replicates, seeds=seeds) for seed in range(4)]
    assert all(run == runs[0] for run in runs[1:])


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_thinking_ahead_changes_nothing_in_a_reproducible_study(sampler: str) -> None:
    changes: dict[str, Any] = {"sampler": sampler, "points": 20}
    if sampler == "cmaes":
        changes["space"] = {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}}
    thinking = controller_on(Storage(), small_spec(**changes))
    sometimes = random.Random(0)
    drive(thinking, seed=1, thinks=lambda: sometimes.random() < 0.5)
    assert outcome(thinking) == run_whole(2, **changes)


def test_thinking_ahead_records_nothing_and_survives_a_kill() -> None:
    storage, checkpoints = Storage(), dict[int, int]()
    storage.die_after = 25
    with pytest.raises(Killed):
        drive(controller_on(storage, small_spec()), checkpoints=checkpoints, thinks=lambda: True)
    storage.die_after = None
    resumed = controller_on(storage, small_spec())
    written = len(storage.events)
    resumed.think_ahead()
    assert {event["event"] for event in storage.events[written:]} <= {"costed"}, (
        "known of points that were asked"
    )
    drive(resumed, seed=5, checkpoints=checkpoints, thinks=lambda: True)
    assert outcome(resumed) == run_whole(3)


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


def test_values_that_do_not_go_together_fail_their_own_trial_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    together = StudySpec.recipe

    def picky(self: StudySpec, values: dict[str, Any], seed: int, changed: dict[str, Any]) -> Any:
        if values["optimizer.lr"] < 0.01:
            raise SpecError(["such a rule as only the whole recipe breaks"])
        return together(self, values, seed, changed)

    monkeypatch.setattr(StudySpec, "recipe", picky)
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


def test_a_free_running_study_thinks_again_once_more_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from study.sampling.proposer import Proposer

    seen: list[int] = []
    propose = Proposer.propose

    def watched(self: Proposer, index: int) -> dict[str, Any]:
        seen.append(sum(trial.state.is_finished() for trial in self.study.trials))
        return propose(self, index)

    monkeypatch.setattr(Proposer, "propose", watched)
    controller = controller_on(
        Storage(), small_spec(reproducible=False, pruner="none", recipe={"epochs": 1})
    )
    first, second = controller.next(), controller.next()
    assert isinstance(first, Assignment)
    assert isinstance(second, Assignment)
    controller.think_ahead()
    controller.think_ahead()
    for assignment in (first, second):
        row = {"epoch": 1, "last": True, **curve(assignment.recipe, 1)}
        controller.reported(assignment.trial, 1, row)
        controller.finished(assignment.trial, 1, "epochs", {})
    controller.think_ahead()
    controller.next()
    assert seen == [0, 0, 0, 0, 4], "the two thought of first and taken back count as finished"
    assert [point.number for point in controller.history.points] == [0, 1, 2]


def test_what_is_recorded_together_is_one_write_and_takes_effect_within_it() -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(pruner="none", recipe={"epochs": 1}))
    writes = storage.writes
    with controller.together():
        assignment = controller.next()
        assert isinstance(assignment, Assignment)
        controller.reported(
            assignment.trial, 1, {"epoch": 1, "last": True, **curve(assignment.recipe, 1)}
        )
        controller.finished(assignment.trial, 1, "epochs", {})
        assert controller.history.points[0].state == "COMPLETE"
        assert storage.writes == writes
    assert storage.writes == writes + 1
    kinds = [event["event"] for event in storage.events[-6:]]
    assert kinds == ["asked", "started", "reported", "finished", "ended", "told"]
    assert outcome(
        controller_on(storage, small_spec(pruner="none", recipe={"epochs": 1}))
    ) == outcome(controller)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_reproducible_study_does_not_depend_on_how_many_workers_there_really_are(
    concurrency: int,
) -> None:
    assert run_whole(1, workers=1, concurrency=concurrency) == run_whole(
        2, workers=7, concurrency=concurrency
    )


def test_a_reproducible_study_does_not_depend_on_its_name_or_on_how_many_points_follow() -> None:
    few, many = (
        run_whole(study="one", points=12),
        run_whole(3, study="another", points=20, question="?"),
    )
    assert many[:12] == few


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize(("replicates", "seeds"), [(1, "whole"), (2, "survivors"), (3, "whole")])
def test_a_kill_after_every_single_write_loses_and_doubles_nothing(
    reproducible: bool, replicates: int, seeds: str
) -> None:
    changes: dict[str, Any] = {"reproducible": reproducible, "replicates": replicates, "points": 6}
    whole = Storage()
    uninterrupted = controller_on(whole, small_spec(**changes), seeds=seeds)
    drive(uninterrupted)
    assert whole.writes > 20
    for die_after in range(1, whole.writes):
        storage, checkpoints = Storage(), dict[int, int]()
        storage.die_after = die_after
        try:
            controller = controller_on(storage, small_spec(**changes), seeds=seeds)
            drive(controller, seed=die_after, checkpoints=checkpoints)
        except Killed:
            storage.die_after = None
        else:
            break  # free-running, a study may have fewer writes than the last one
        before = [event for event in storage.events if event["event"] == "ended"]
        resumed = controller_on(storage, small_spec(**changes))
        drive(resumed, seed=die_after + 1, checkpoints=checkpoints)
        assert [point.number for point in resumed.history.points] == list(range(6))
        ended = Counter(event["trial"] for event in storage.events if event["event"] == "ended")
        assert set(ended.values()) == {1}, "a trial ended twice"
        assert all(
            resumed.history.trials[event["trial"]].state == event["state"] for event in before
        )
        for trial in resumed.history.trials:
            assert [row["epoch"] for row in trial.rows] == list(range(1, trial.epochs + 1))
        if reproducible:
            assert outcome(resumed) == outcome(uninterrupted)


def test_killed_again_and_again_a_study_still_comes_to_its_end() -> None:
    whole = controller_on(Storage(), small_spec())
    drive(whole)
    storage, checkpoints = Storage(), dict[int, int]()
    for seed in range(200):
        storage.die_after = storage.writes + 7
        try:
            controller = controller_on(storage, small_spec())
            drive(controller, seed=seed, checkpoints=checkpoints)
            break
        except Killed:
            continue
    assert outcome(controller) == outcome(whole)


@pytest.mark.parametrize("seed", range(3))
def test_trials_that_ran_on_to_their_end_before_a_stop_count_the_same_after_a_resume(
    seed: int,
) -> None:
    changes: dict[str, Any] = {
        "points": 40,
        "concurrency": 4,
        "recipe": {"epochs": 3},
        "sampler": {"seed": seed},
    }
    whole = controller_on(Storage(), small_spec(**changes))
    drive(whole, workers=4, jitter=1.5)
    storage, checkpoints = Storage(), dict[int, int]()
    for session in range(100):
        storage.die_after = storage.writes + 30
        try:
            controller = controller_on(storage, small_spec(**changes))
            drive(controller, workers=4, seed=session, jitter=1.5, checkpoints=checkpoints)
            break
        except Killed:
            continue
    cut = [event for event in storage.events if event["event"] == "stopped"]
    assert cut
    assert outcome(controller) == outcome(whole)


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: str(pruner["name"]))
def test_the_sampler_is_told_exactly_what_happened(pruner: dict[str, Any]) -> None:
    controller = controller_on(Storage(), small_spec(points=30, pruner=pruner, reproducible=False))
    drive(controller)
    told = controller.population.arms[0].proposer.study.trials
    assert len(told) == 30
    for point, frozen in zip(controller.history.points, told, strict=True):
        assert frozen.state.name == point.state
        rows = point.trials[0].rows
        assert frozen.intermediate_values == {row["epoch"]: row["val_accuracy"] for row in rows}
        if point.state == "COMPLETE":
            assert frozen.value == point.value == rows[-1]["val_accuracy"]


def test_replicates_share_their_seeds_and_a_point_is_worth_their_mean() -> None:
    controller = controller_on(Storage(), small_spec(replicates=3, pruner="none"))
    drive(controller)
    for point in controller.history.points:
        assert [trial.seed for _, trial in sorted(point.trials.items())] == [0, 1, 2]
        assert point.value == pytest.approx(
            sum(t.rows[-1]["val_accuracy"] for t in point.trials.values()) / 3
        )


def extended(
    reproducible: bool, seed: int, die_every: int | None = None, seeds: str = "whole"
) -> Controller:
    """A study of 12 points with a seed each, extended to 20 points with three, be it killed every
    so many writes.
    """
    changes: dict[str, Any] = {"reproducible": reproducible, "pruner": "none"}
    old, new = small_spec(**changes), small_spec(**changes, points=20, replicates=3)
    storage, checkpoints = Storage(), dict[int, int]()
    controller = controller_on(storage, old, seeds=seeds)
    drive(controller, seed=seed)
    paths = StudyPaths(LocalPath("nowhere"), "fake")
    storage.append(
        *(
            {**event.to_record(), "time": 0}
            for event in reopenings(old, new, controller.history, paths)
        )
    )
    for session in range(100):
        storage.die_after = storage.writes + die_every if die_every else None
        try:
            controller = controller_on(storage, new)
            drive(controller, seed=seed + session, checkpoints=checkpoints)
            break
        except Killed:
            continue
    return controller


@pytest.mark.parametrize("seeds", RULES)
@pytest.mark.parametrize("reproducible", [True, False])
def test_with_more_seeds_the_sampler_is_told_the_new_mean_in_place_of_the_old(
    reproducible: bool, seeds: str
) -> None:
    controller = extended(reproducible, seed=0, seeds=seeds)
    assert controller.is_nothing_left()
    told = controller.population.arms[0].proposer.study.get_trials(deepcopy=False)
    assert len(told) == 20
    values = {
        tuple(trial.params.values()): trial.value
        for trial in told
        if trial.state.name == "COMPLETE"
    }
    seen = [point for point in controller.history.points if params_in(point.values) in values]
    assert len(seen) >= 12
    for point in seen:
        assert len(point.trials) == 3
        assert values[params_in(point.values)] == point.value


def params_in(values: dict[str, Any]) -> tuple[Any, ...]:
    return (values["optimizer.name"], values["optimizer.lr"])


@pytest.mark.parametrize("seeds", RULES)
def test_a_reproducible_study_with_more_seeds_is_the_same_whatever_trials_take_and_however_often_it_is_killed(
    seeds: str,
) -> None:
    whole = outcome(extended(True, seed=0, seeds=seeds))
    assert outcome(extended(True, seed=5, seeds=seeds)) == whole
    assert outcome(extended(True, seed=9, die_every=17, seeds=seeds)) == whole


@pytest.mark.parametrize("seeds", RULES)
def test_a_point_whose_first_replicate_is_pruned_starts_no_other(seeds: str) -> None:
    controller = controller_on(Storage(), small_spec(replicates=2), seeds=seeds)
    drive(controller)
    pruned = [point for point in controller.history.points if point.state == "PRUNED"]
    assert pruned
    assert all(list(point.trials) == [0] for point in pruned)


@pytest.mark.parametrize("seeds", RULES)
def test_racing_starts_no_further_replicate_of_a_point_that_clearly_loses(seeds: str) -> None:
    spec = small_spec(replicates=3, pruner="none", racing={"threshold": 0.05})
    controller = controller_on(Storage(), spec, seeds=seeds)
    drive(controller)
    counts = {len(point.trials) for point in controller.history.points}
    assert 1 in counts
    assert 3 in counts
    again = controller_on(Storage(), spec, seeds=seeds)
    drive(again, seed=9)
    assert outcome(again) == outcome(controller)


def test_a_method_study_gives_each_level_the_same_number_of_points_in_turn() -> None:
    spec = small_spec(
        mode="method-study", roles={"scientific": ["optimizer.name"], "nuisance": ["optimizer.lr"]}
    )
    controller = controller_on(Storage(), spec)
    drive(controller)
    names = [point.values["optimizer.name"] for point in controller.history.points]
    assert Counter(names) == {"sgd": 6, "adam": 6}
    assert names[:4] == ["sgd", "adam", "sgd", "adam"]


def test_confirmation_runs_the_winners_on_fresh_seeds() -> None:
    spec = small_spec(
        confirm={"top": 2, "replicates": 3, "against": "first[0]"},
        first=[{"set": {"optimizer": {"name": "sgd", "lr": 0.001}}}],
    )
    controller = controller_on(Storage(), spec)
    drive(controller)
    confirmed = {trial.point for trial in controller.history.trials if trial.kind == "confirm"}
    assert 0 in confirmed
    assert len(confirmed) in (2, 3)
    seeds = [trial.seed for trial in controller.history.trials if trial.kind == "confirm"]
    assert set(seeds) == {1000, 1001, 1002}


def test_running_out_of_memory_is_retried_with_twice_the_accumulation_and_then_told_as_infeasible() -> (
    None
):
    def hurt(assignment: Any, epoch: int) -> Failure | None:
        if assignment.point == 3:
            return Failure("out_of_memory", "full")
        return None

    storage = Storage()
    controller = controller_on(storage, small_spec())
    drive(controller, hurt=hurt)
    trial = controller.history.points[3].trials[0]
    assert [attempt.substitutions for attempt in trial.attempts] == [{}, {"accumulation": 2}]
    assert (trial.state, trial.failure and trial.failure.failure_class) == ("FAIL", "out_of_memory")
    frozen = controller.population.arms[0].proposer.study.trials[3]
    assert frozen.state.name == "PRUNED"
    assert frozen.constraints == {"fits_in_memory": 1.0}


def test_a_lost_node_does_not_count_against_a_trial_but_an_error_ends_it() -> None:
    failures = {2: "node", 5: "error"}

    def hurt(assignment: Any, epoch: int) -> Failure | None:
        if assignment.attempt <= 3 and epoch == 2 and assignment.point in failures:
            return Failure(failures[assignment.point], "gone")
        return None

    controller = controller_on(Storage(), small_spec(pruner="none"))
    drive(controller, hurt=hurt)
    assert controller.history.points[2].state == "COMPLETE"
    assert len(controller.history.points[2].trials[0].attempts) == 4
    assert controller.history.points[5].state == "FAIL"


@pytest.mark.parametrize(("node_alive", "state"), [(True, "FAIL"), (False, "COMPLETE")])
def test_a_process_that_dies_at_one_place_again_and_again_is_the_trials_own_fault_but_a_node_is_not(
    node_alive: bool, state: str
) -> None:
    def hurt(assignment: Any, epoch: int) -> Failure | None:
        if assignment.point == 2 and assignment.attempt <= 6 and epoch == 1:
            return Failure("node", "gone", {"node_alive": node_alive})
        return None

    controller = controller_on(Storage(), small_spec(pruner="none"))
    drive(controller, hurt=hurt)
    trial = controller.history.points[2].trials[0]
    assert trial.state == state
    assert len(trial.attempts) == (4 if node_alive else 7)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "0.5"])
def test_a_value_that_is_no_finite_number_never_counts_as_a_result(value: Any) -> None:
    def sick(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        row = curve(recipe, epoch)
        return (
            row | {"val_accuracy": value}
            if epoch == 2 and recipe["optimizer"]["name"] == "adam"
            else row
        )

    controller = controller_on(Storage(), small_spec(pruner="none"), keep_going=True)
    drive(controller, curve=sick)
    for point in controller.history.points:
        failed = point.values["optimizer.name"] == "adam"
        assert point.state == ("FAIL" if failed else "COMPLETE")


def test_the_same_failure_three_times_in_a_row_stops_the_study() -> None:
    def hurt(assignment: Any, epoch: int) -> dict[str, Any]:
        return Failure("error", f"no module named x{assignment.point}")

    controller = controller_on(Storage(), small_spec())
    drive(controller, hurt=hurt)
    assert controller.stopping == "halted"
    assert len(controller.history.points) <= 5
    assert "no module named x" in str(controller.halt())


def test_an_attempt_that_outlived_its_node_is_not_heard() -> None:
    controller = controller_on(Storage(), small_spec(pruner="none"))
    first = controller.next()
    controller.failed(first.trial, 1, Failure("node", "lost"))
    again = controller.next()
    assert (again.trial, again.attempt) == (first.trial, 2)
    assert not controller.reported(first.trial, 1, {"epoch": 1, **curve(first.recipe, 1)})
    assert controller.history.trials[0].epochs == 0
    assert controller.reported(again.trial, 2, {"epoch": 1, **curve(again.recipe, 1)})


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
    time.sleep(0.05)
    assert controller.is_stopping()
    assert controller.stopping == budget
    assert not controller.is_nothing_left()


def test_a_reproducible_study_thinks_ahead_for_every_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from study.sampling.proposer import Proposer

    made: list[int] = []
    propose = Proposer.propose

    def counted(self: Proposer, index: int) -> dict[str, Any]:
        made.append(index)
        return propose(self, index)

    monkeypatch.setattr(Proposer, "propose", counted)
    controller = controller_on(
        Storage(), small_spec(pruner="none", recipe={"epochs": 1}, concurrency=3)
    )
    running = [controller.next() for _ in range(3)]
    for _ in range(5):
        controller.think_ahead()
    assert made == [0, 1, 2, 3, 4, 5]
    for assignment in running:
        assert isinstance(assignment, Assignment)
        row = {"epoch": 1, "last": True, **curve(assignment.recipe, 1)}
        controller.reported(assignment.trial, 1, row)
        controller.finished(assignment.trial, 1, "epochs", {})
    assert all(isinstance(controller.next(), Assignment) for _ in range(3))
    assert made == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize("epochs", [0, 1])
def test_a_user_stops_a_trial_wherever_it_stands(epochs: int, reproducible: bool) -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(reproducible=reproducible, points=3))
    assignment = controller.next()
    assert isinstance(assignment, Assignment)
    for epoch in range(1, epochs + 1):
        row = curve(assignment.recipe, epoch)
        controller.reported(assignment.trial, 1, {"epoch": epoch, "last": False, **row})
    assert controller.stop_trial(assignment.trial)
    trial = controller.history.trials[assignment.trial]
    assert (trial.state, trial.stopped_by, trial.epochs) == ("PRUNED", "user", epochs)
    assert [event["event"] for event in storage.events[-3:]] == ["stopped", "ended", "told"]
    assert not controller.stop_trial(assignment.trial), "it has ended"
    drive(controller)
    assert controller.is_nothing_left()
