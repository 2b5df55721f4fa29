"""What is said of another pruner, against really running the study with it: samplers that ask for
the same points whatever becomes of them, on the fake cluster.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.controller.controller import Controller
from study.errors import SpecError, UserError
from study.files.layout import StudyPaths
from study.inspection.decisions.replay.bounds import Bounds
from study.inspection.decisions.replay.curves import curves_of
from study.inspection.decisions.replay.outcome import RuleOutcome
from study.inspection.decisions.replay.replay import pruner_text, replay
from study.inspection.decisions.replay.rerun import Rerun
from study.inspection.status import status_of
from study.journal.events import PricesSet
from study.journal.failure import Failure
from study.journal.outcomes import search_trials
from study.journal.ranking import best_point
from study.spec.spec import StudySpec

from ....controller.studies import RULES
from ....fake_cluster import Storage, controller_on, curve, drive, small_spec
from ....fake_folder import run_into, write_folder

PRUNERS = [
    "none",
    "{name: asha, reduction: 2}",
    "{name: asha, min_epochs: 2, reduction: 3}",
    "{name: hyperband, reduction: 2}",
    "{name: median, startup_trials: 2}",
    "{name: percentile, percentile: 30, warmup_epochs: 2}",
]
PROMOTING = ["first-epochs", "{name: asha, promote: true}"]
PATIENT = "{name: patient, patience: 1}"
GRID = {
    "optimizer": {
        "one_of": {
            "sgd": {"lr": {"choice": [0.003, 0.01, 0.03, 0.1, 0.3, 0.9]}},
            "adam": {"lr": {"choice": [0.001, 0.01, 0.05, 0.1, 0.2, 0.7]}},
        }
    }
}
FLAT = {"optimizer": {"lr": {"log": [1e-3, 1]}, "weight_decay": {"log": [1e-6, 1e-2]}}}
SAMPLERS: dict[str, dict[str, Any]] = {
    "random": {"sampler": "random", "points": 24},
    "qmc": {"sampler": "qmc", "points": 24, "space": FLAT},
    "grid": {"sampler": "grid", "space": GRID, "points": 12},
}
SEVERAL = {"objective": ["val_accuracy", {"metric": "val_loss", "direction": "minimize"}]}


def crossing(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
    """Curves that cross: what is ahead at first isn't what wins, and some fall in the end."""
    row = curve(recipe, epoch)
    lr = recipe["optimizer"]["lr"]
    accuracy = row["val_accuracy"] + 0.3 * ((1000 * lr) % 1) * (1 - epoch / 3)
    return row | {"val_accuracy": accuracy, "val_loss": (777 * lr) % 1 / epoch}


def hurt(assignment: Any, epoch: int) -> Failure | None:
    """A fifth of the points fails, at an epoch of its own."""
    chance = random.Random(assignment.recipe["optimizer"]["lr"])
    if chance.random() < 0.2 and epoch == chance.randint(1, 4):
        return Failure("diverged", "hurt")
    return None


def study_with(pruner: str, **changes: Any) -> StudySpec:
    spec = small_spec(**changes)
    return replace(spec, pruner=small_spec(pruner=pruner_tree(pruner)).pruner)


def pruner_tree(pruner: str) -> Any:
    from study.files.yaml_reader import read_yaml

    return read_yaml(f"value: {pruner}".encode()).tree["value"]


def ran(spec: StudySpec, **options: Any) -> Controller:
    """The study really run, with the pruner that it has."""
    storage = options.pop("storage", Storage())
    controller = controller_on(storage, spec, seeds=options.pop("seeds", "whole"))
    options = {"curve": crossing, "hurt": hurt, "workers": spec.concurrency} | options
    drive(controller, **options)
    return controller


def folder_of(folder: Path, spec: StudySpec, **options: Any) -> StudyPaths:
    storage = Storage()
    ran(spec, storage=storage, **options)
    return write_folder(folder, spec, storage)


def epochs_of(controller: Controller) -> int:
    points = controller.history.points
    return sum(trial.epochs for point in points for trial in search_trials(point))


def check(outcome: RuleOutcome, own: Controller, other: Controller) -> None:
    """An outcome against the study that was really run with the other pruner."""
    really = epochs_of(other)
    points = [point.values for point in own.history.points]
    assert [point.values for point in other.history.points] == points
    low, high = outcome.epochs_range.low, outcome.epochs_range.high
    assert low is not None
    assert high is not None
    assert low <= really <= high
    assert low <= outcome.epochs <= high
    best_own = best_point(own.history.points, own.spec, whole_seeds=own.history.whole_seeds)
    best = best_point(other.history.points, own.spec, whole_seeds=own.history.whole_seeds)
    assert best_own is not None
    sign = own.spec.objectives[0].sign
    loss = None if best is None else sign * (best_own.first_value - best.first_value)
    if outcome.winner is not None:
        assert best is not None
        assert (outcome.winner, outcome.loss) == (best.number, pytest.approx(loss))
    if loss is not None:
        least, greatest = outcome.loss_range.low, outcome.loss_range.high
        assert least is None or least <= loss + 1e-12
        assert greatest is None or loss <= greatest + 1e-12
    if outcome.exact:
        assert outcome.epochs == low == high == really
        assert outcome.winner == (best and best.number)


@pytest.mark.parametrize(
    ("sampler", "replicates", "several"),
    [("random", 1, False), ("qmc", 2, False), ("grid", 1, False), ("random", 2, True)],
)
def test_on_whole_curves_a_replay_is_what_really_happens(
    tmp_path: Path, sampler: str, replicates: int, several: bool
) -> None:
    changes = SAMPLERS[sampler] | {"replicates": replicates, "concurrency": 3}
    changes |= SEVERAL if several else {}
    rules = PRUNERS if several else [*PRUNERS, PATIENT]
    storage = Storage()
    spec = study_with("none", **changes)
    own = ran(spec, storage=storage)
    outcomes = replay(write_folder(tmp_path, spec, storage), rules)
    assert [outcome.pruner for outcome in outcomes] == ["none", *rules]
    assert outcomes[0].epochs == epochs_of(own)
    costs = set()
    for rule, outcome in zip(rules, outcomes[1:], strict=True):
        assert outcome.exact, rule
        # side by side, whether a seed begins before another fails depends on the workers' pace
        pace = 0 if rule == "none" else 3
        check(outcome, own, ran(study_with(rule, **changes), seed=pace))
        costs.add(outcome.epochs)
    assert len(costs) > 3


@pytest.mark.parametrize(
    ("sampler", "replicates", "several"),
    [("random", 1, False), ("qmc", 2, False), ("grid", 1, False), ("random", 2, True)],
)
@pytest.mark.parametrize("pruner", PRUNERS[1:])
def test_on_curves_that_were_cut_it_is_within_the_bounds(
    tmp_path: Path, pruner: str, sampler: str, replicates: int, several: bool
) -> None:
    changes = SAMPLERS[sampler] | {"replicates": replicates, "concurrency": 3}
    changes |= SEVERAL if several else {}
    rules = PRUNERS if several else [*PRUNERS, PATIENT]
    storage = Storage()
    spec = study_with(pruner, **changes)
    own = ran(spec, storage=storage)
    outcomes = replay(write_folder(tmp_path, spec, storage), rules)
    for rule, outcome in zip(rules, outcomes[1:], strict=True):
        check(outcome, own, ran(study_with(rule, **changes), seed=3))
    assert outcomes[1 + PRUNERS.index(pruner)].exact


@pytest.mark.parametrize("rule", PRUNERS[2:5])
def test_however_the_trainings_would_have_gone_on_it_is_within_the_bounds(
    tmp_path: Path, rule: str
) -> None:
    """Worlds that are alike as far as the journal goes: what was cut off goes on at random."""
    changes: dict[str, Any] = {"sampler": "random", "points": 20, "concurrency": 3}
    storage = Storage()
    spec = study_with(PRUNERS[1], **changes)
    own = ran(spec, storage=storage, hurt=lambda assignment, epoch: None)
    (_, outcome) = replay(write_folder(tmp_path, spec, storage), [rule])
    points = own.history.points
    curves = curves_of(own.history, spec)
    fates = Bounds(study_with(rule, **changes), own.history, curves, in_order=True).fates
    known = {point.values["optimizer.lr"]: point.trials[0].epochs for point in points}
    costs = set()
    for world in range(15):

        def goes_on(recipe: dict[str, Any], epoch: int, world: int = world) -> dict[str, Any]:
            row, lr = crossing(recipe, epoch), recipe["optimizer"]["lr"]
            if epoch > known[lr]:
                row["val_accuracy"] = random.Random(f"{world} {lr} {epoch}").uniform(-1, 2)
            return row

        other = ran(study_with(rule, **changes), curve=goes_on, hurt=lambda assignment, epoch: None)
        check(outcome, own, other)
        for point in other.history.points:
            fate = fates[point.number]
            assert fate.least <= point.trials[0].epochs <= fate.most
            assert fate.completes != ("no" if point.state == "COMPLETE" else "yes")
        costs.add(epochs_of(other))
    assert len(costs) > 2


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("pruner", [*PRUNERS[:2], PRUNERS[4]])
def test_where_trials_are_compared_as_they_come_it_is_within_the_bounds(
    tmp_path: Path, pruner: str, sampler: str
) -> None:
    """However fast the workers of the other study were."""
    changes = SAMPLERS[sampler] | {"reproducible": False, "concurrency": 3}
    storage = Storage()
    spec = study_with(pruner, **changes)
    own = ran(spec, storage=storage)
    outcomes = replay(write_folder(tmp_path, spec, storage), PRUNERS)
    for rule, outcome in zip(PRUNERS, outcomes[1:], strict=True):
        for seed in range(3):
            if rule == pruner:  # that is what was run, at its own pace
                continue
            check(outcome, own, ran(study_with(rule, **changes), seed=seed))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_with_one_worker_they_come_by_number_so_that_nothing_is_open(
    tmp_path: Path, sampler: str
) -> None:
    changes = SAMPLERS[sampler] | {"reproducible": False, "concurrency": 1}
    storage = Storage()
    spec = study_with("none", **changes)
    own = ran(spec, storage=storage)
    outcomes = replay(write_folder(tmp_path, spec, storage), PRUNERS)
    assert all(outcome.exact for outcome in outcomes)
    for rule, outcome in zip(PRUNERS, outcomes[1:], strict=True):
        check(outcome, own, ran(study_with(rule, **changes), seed=5))


@pytest.mark.parametrize("seeds", RULES)
@pytest.mark.parametrize("racing", [None, {"threshold": 0.05}], ids=["all seeds", "racing"])
@pytest.mark.parametrize("pruner", [*PRUNERS, PATIENT])
def test_the_studys_own_rule_costs_what_it_cost(
    pruner: str, racing: dict[str, float] | None, seeds: str
) -> None:
    """Found by the rerun, too, which isn't told what became of the trials."""
    spec = study_with(pruner, points=24, sampler="random", replicates=3, racing=racing)
    no_failure = {"hurt": lambda assignment, epoch: None}
    # without a pruner seeds run side by side: whether one begins before another fails is chance
    own = ran(spec, seeds=seeds, **(no_failure if pruner == "none" else {}))
    rerun = Rerun(spec, own.history, curves_of(own.history, spec))
    again = rerun.run()
    assert not rerun.guessed
    found = [[(trial.state, trial.epochs) for trial in search_trials(p)] for p in again.points]
    really = [
        [(trial.state, trial.epochs) for trial in search_trials(p)] for p in own.history.points
    ]
    assert found == really
    assert [point.value for point in again.points] == [point.value for point in own.history.points]


@pytest.mark.parametrize("seeds", RULES)
def test_racing_and_older_studies_stay_within_their_bounds(tmp_path: Path, seeds: str) -> None:
    changes: dict[str, Any] = {"points": 16, "sampler": "random", "replicates": 3}
    changes["racing"] = {"threshold": 0.03}
    storage = Storage()
    spec = study_with(PRUNERS[1], **changes)
    own = ran(spec, storage=storage, seeds=seeds)
    outcomes = replay(write_folder(tmp_path, spec, storage), PRUNERS)
    for rule, outcome in zip(PRUNERS, outcomes[1:], strict=True):
        check(outcome, own, ran(study_with(rule, **changes), seeds=seeds, seed=3))


def test_hours_are_those_of_the_epochs_that_would_have_run(tmp_path: Path) -> None:
    """The fake curve says that each epoch takes a second."""
    paths = folder_of(tmp_path, study_with("none", points=12, sampler="random"))
    for outcome in replay(paths, PRUNERS):
        assert outcome.hours * 3600 == pytest.approx(outcome.epochs)


def test_with_prices_a_replay_tells_money_too(tmp_path: Path) -> None:
    spec = study_with("none", points=12, sampler="random")
    assert "money" not in replay(folder_of(tmp_path / "without", spec), ["asha"])[0].tree()
    storage = Storage()
    controller = controller_on(storage, spec)
    controller.record(PricesSet(prices={"cpu_hour": 2}, cpus=1, gpus=0))
    drive(controller)
    records = [event | {"time": 1.0 + number} for number, event in enumerate(storage.events)]
    placed = [
        {"event": "placed", "trial": event["trial"], "attempt": 1, "time": event["time"]}
        | {"host": "h", "node": "n", "pid": 1, "device": "cpu"}
        for event in records
        if event["event"] == "started"
    ]
    storage.events = sorted([*records, *placed], key=lambda event: event["time"])
    paths = write_folder(tmp_path / "with", spec, storage)
    own, other = (outcome.tree() for outcome in replay(paths, ["asha"]))
    assert own["money"] == pytest.approx(status_of(paths)["money"])
    assert other["money"] == pytest.approx(own["money"] * other["hours"] / own["hours"])


def test_what_a_user_stopped_and_what_still_runs_is_taken_as_it_is(tmp_path: Path) -> None:
    spec, storage = study_with("none", points=6, sampler="random"), Storage()
    controller = controller_on(storage, spec)
    for number in range(3):
        work = controller.next()
        row = {
            "epoch": 1,
            "last": False,
            **curve({"optimizer": work.recipe["optimizer"], "seed": 0}, 1),
        }
        controller.reported(work.trial, work.attempt, row)
        if number == 1:
            controller.stop_trial(1)
    own, other = replay(write_folder(tmp_path, spec, storage), ["asha"])
    assert (own.epochs, own.winner, own.exact) == (3, None, True)
    assert (other.epochs_range.low, other.exact) == (3, False)


def test_a_study_without_a_trial_has_nothing_to_replay(tmp_path: Path) -> None:
    spec, storage = small_spec(points=4), Storage()
    controller_on(storage, spec)
    with pytest.raises(UserError, match="no trial of fake has begun"):
        replay(write_folder(tmp_path, spec, storage), ["asha"])


def test_a_pruner_that_is_none_is_told_as_in_a_study_file(tmp_path: Path) -> None:
    paths, _ = run_into(tmp_path, small_spec(points=4))
    with pytest.raises(SpecError) as caught:
        replay(paths, ["ahsa", "{name: asha, reduction: 1}"])
    first, second = caught.value.lines
    assert first.startswith("--pruner ahsa: pruner")
    assert "(did you mean asha?)" in first
    assert second.startswith("--pruner {name: asha, reduction: 1}: pruner.reduction: must be ")


def test_a_pruner_is_written_as_short_as_can_be() -> None:
    assert pruner_text(small_spec(pruner="asha").pruner) == "asha"
    assert pruner_text(small_spec(pruner={"name": "asha", "reduction": 4}).pruner) == (
        "{name: asha, min_epochs: 1, reduction: 4}"
    )


@pytest.mark.parametrize("pruner", PROMOTING)
def test_pruners_that_promote_are_not_replayed_and_a_study_of_theirs_is(
    tmp_path: Path, pruner: str
) -> None:
    paths, _ = run_into(tmp_path, small_spec(pruner="none"))
    with pytest.raises(UserError, match="a pruner that promotes trials can't be replayed"):
        replay(paths, [pruner])
    own = {"name": "asha", "promote": True}
    paths, controller = run_into(tmp_path / "own", small_spec(pruner=own))
    real, again, other = replay(paths, ["{name: asha, promote: true}", "none"])
    assert real.epochs == sum(trial.epochs for trial in controller.history.trials)
    assert (again.epochs, real.exact) == (real.epochs, True)
    assert other.epochs_range.high is not None
    assert other.epochs_range.high > real.epochs
