"""Each stop of whole studies, recomputed from what its explanation says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from study.controller.controller import Controller
from study.files.layout import StudyPaths
from study.inspection.decisions.explain.explain import Explanations
from study.inspection.decisions.explain.journal_walk import JournalWalk
from study.journal.events import PointReopened
from study.journal.journal import read_records
from study.journal.replay import read_history
from study.sampling.front_pruner import better_than_last
from study.spec.load import load_spec
from study.spec.spec import StudySpec

from ....controller.studies import RULES, fails
from ....fake_cluster import Killed, Storage, controller_on, curve, drive, small_spec
from ....fake_folder import rounded, run_into, write_folder

PRUNERS: list[dict[str, Any]] = [
    {"name": "asha", "min_epochs": 1, "reduction": 2},
    {"name": "hyperband", "min_epochs": 1, "reduction": 2},
    {"name": "median", "startup_trials": 3},
    {"name": "percentile", "percentile": 40, "startup_trials": 2},
    {"name": "patient", "patience": 1},
]
OBJECTIVES: dict[str, Any] = {
    "maximize": "val_accuracy",
    "minimize": {"metric": "val_loss", "direction": "minimize"},
    "several": ["val_accuracy", {"metric": "val_loss", "direction": "minimize"}],
}


def loss_of_its_own(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
    """The usual curve, which falls where it was steep, with a loss by which trials differ."""
    row = curve(recipe, epoch)
    if epoch > 3 and recipe["optimizer"]["name"] == "sgd":
        row["val_accuracy"] -= 0.3
    return row | {"val_loss": 1 - row["val_accuracy"] + 0.1 * (recipe["optimizer"]["lr"] % 0.1)}


def run_study(folder: Path, pruner: Any, objective: Any, **changes: Any) -> StudyPaths:
    seeds = changes.pop("seeds", "whole")
    spec = small_spec(points=40, pruner=pruner, objective=objective, concurrency=4, **changes)
    paths, _ = run_into(folder, spec, workers=4, seeds=seeds, curve=rounded(loss_of_its_own))
    return paths


def is_stopped_by(told: dict[str, Any]) -> bool:
    """The decision that follows from an explanation's JSON and nothing else."""
    signs = [1 if each["direction"] == "maximize" else -1 for each in told["objectives"]]
    own = np.array(told["value"], ndmin=1, dtype=float) * signs
    rivals = [np.array(rival["value"], ndmin=1, dtype=float) * signs for rival in told["rivals"]]
    options = told["options"]
    if len(signs) > 1:
        before = better_than_last(np.array([*rivals, own]))
        return bool(before >= told["places"] and told["rank"] == before + 1)
    better = sum(rival[0] > own[0] for rival in rivals)
    if told["rule"] in ("asha", "hyperband"):
        on_a_rung = np.log2(told["epoch"]) == told["rung"] + (told["bracket"] or 0)
        return bool(on_a_rung and better >= max(1, (len(rivals) + 1) // options["reduction"]))
    if told["rule"] == "patient":
        return bool(own[0] < told["needed"] * signs[0])
    share = options.get("percentile", 50)
    bar = np.percentile([rival[0] for rival in rivals], 100 - share)
    return bool(len(rivals) >= options["min_trials"] and own[0] < bar)


@pytest.mark.parametrize("reproducible", [True, False], ids=["by number", "as they come"])
@pytest.mark.parametrize(
    ("pruner", "objective"),
    [(pruner, objective) for pruner in PRUNERS[:-1] for objective in OBJECTIVES]
    + [(PRUNERS[-1], "maximize")],  # patient looks at one trial and one objective
    ids=str,
)
def test_every_stop_follows_from_its_explanation(
    tmp_path: Path, pruner: dict[str, Any], objective: str, reproducible: bool
) -> None:
    paths = run_study(tmp_path, pruner, OBJECTIVES[objective], reproducible=reproducible)
    check_all(paths, fewest=3)


def check_all(paths: StudyPaths, fewest: int) -> None:
    """Each stop has an explanation from which it follows, and stands beside no decision to go on
    that doesn't.
    """
    explanations = Explanations(paths)
    stops = explanations.stops()
    trials = explanations.history.trials
    stopped = [trial.number for trial in trials if trial.stopped_by == "pruner"]
    assert sorted(stops) == stopped
    assert len(stopped) >= fewest
    for number, stop in stops.items():
        told = json.loads(json.dumps(stop.tree()))
        assert told["kind"] == "stop"
        assert stop.agrees
        assert told["epoch"] == trials[number].stopped_at
        assert is_stopped_by(told), told
        assert explanations.of_trial(number) == stop


@pytest.mark.parametrize("seeds", RULES)
@pytest.mark.parametrize("reproducible", [True, False], ids=["by number", "as they come"])
@pytest.mark.parametrize("pruner", PRUNERS[:3], ids=lambda pruner: str(pruner["name"]))
def test_the_same_figures_let_every_other_epoch_go_on(
    tmp_path: Path, pruner: dict[str, Any], reproducible: bool, seeds: str
) -> None:
    paths = run_study(
        tmp_path,
        pruner,
        "val_accuracy",
        reproducible=reproducible,
        seeds=seeds,
        replicates=2,
    )
    history = read_history(paths.journal)
    walk = JournalWalk(paths, read_records(paths.journal), history, load_spec(paths.spec))
    assert list(walk.events())
    judged = 0
    for trial in walk.history.trials:
        for epoch in range(1, trial.epochs + 1):
            judgment = walk.judge(trial, epoch)
            if judgment is None:
                continue
            assert judgment.comparison.stops == (epoch == trial.stopped_at)
            judged += 1
    assert judged > 40


def test_a_stop_is_told_in_plain_words(tmp_path: Path) -> None:
    paths = run_study(tmp_path, PRUNERS[0], "val_accuracy")
    explanations = Explanations(paths)
    stop = next(each for each in explanations.stops().values() if each.judgment.epoch == 2)
    comparison = stop.judgment.comparison
    assert comparison.needed is not None
    text = stop.sentence()
    assert text.startswith(f"Trial {stop.trial} was stopped after epoch 2 by asha, at rung 1. With")
    assert f"the best {comparison.places} go on" in text or "only the best goes on" in text
    assert text.endswith("would have been enough.")
    assert f"val_accuracy {comparison.needed[0]:.6g}" in text
    lines = stop.lines()
    assert len(lines) == 4 + min(20, len(stop.judgment.rivals)) + (len(stop.judgment.rivals) > 20)


@pytest.mark.parametrize("reproducible", [True, False], ids=["by number", "as they come"])
def test_stops_of_a_study_that_was_killed_and_of_trials_tried_again_follow_too(
    tmp_path: Path, reproducible: bool
) -> None:
    changes: dict[str, Any] = {"pruner": PRUNERS[0], "points": 24, "reproducible": reproducible}
    spec, storage = small_spec(**changes), Storage()
    checkpoints: dict[int, int] = {}
    controller = killed_and_resumed(spec, storage, checkpoints)
    failed = [trial for trial in controller.history.trials if trial.state == "FAIL"]
    assert failed
    for trial in failed:
        again = PointReopened(point=trial.point, trial=trial.number, why="retry")
        storage.append({**again.to_record(), "time": 0})
    drive(controller_on(storage, spec), checkpoints=checkpoints)
    check_all(write_folder(tmp_path, spec, storage), fewest=5)


def killed_and_resumed(
    spec: StudySpec, storage: Storage, checkpoints: dict[int, int]
) -> Controller:
    """Run a study in which points fail that come to a second epoch, killed every so many writes."""
    hurt = fails("diverged", {0, 2, 5, 9, 12}, replicate=0)
    for session in range(100):
        storage.die_after = storage.writes + 30
        try:
            controller = controller_on(storage, spec)
            drive(controller, seed=session, hurt=hurt, checkpoints=checkpoints)
        except Killed:
            continue
        storage.die_after = None
        return controller
    raise AssertionError("never came to its end")
