"""What may change between a study's versions, and what that reopens."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from study.errors import UserError
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.extension import check_extension, reopenings
from study.journal.history import History

from ..fake_cluster import Storage, controller_on, drive, small_spec


def run_to_its_end(**changes: Any) -> tuple[Any, History]:
    spec = small_spec(points=4, pruner="none", **changes)
    controller = controller_on(Storage(), spec)
    drive(controller)
    return spec, controller.history


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"points": 3}, "points: 4 are proposed already; found 3"),
        ({"replicates": 1}, "replicates: can only grow; found 2 -> 1"),
        ({"sampler": "random"}, "sampler"),
        ({"require": ["optimizer.lr > 0"]}, 'require: nothing -> ["optimizer.lr > 0"]'),
        ({"recipe": {"epochs": 5}}, "recipe.epochs: can only grow; found 6 -> 5"),
        ({"recipe": {"epochs": 6, "accumulation": 2}}, "recipe.accumulation"),
        ({"space": {"optimizer": {"lr": {"log": [0.5, 1]}}}}, "no longer lies in it"),
    ],
)
def test_what_contradicts_the_record_is_refused_with_its_reason(
    changes: dict[str, Any], reason: str
) -> None:
    old, history = run_to_its_end(replicates=2)
    new = small_spec(**{"points": 4, "pruner": "none", "replicates": 2, **changes})
    with pytest.raises(UserError) as refused:
        check_extension(old, new, history)
    assert reason in str(refused.value)


def test_more_points_seeds_and_epochs_are_an_extension() -> None:
    old, history = run_to_its_end()
    new = small_spec(points=9, replicates=3, pruner="none", recipe={"epochs": 8})
    check_extension(old, new, history)


def test_a_schedule_that_knows_its_end_gets_no_more_epochs() -> None:
    recipe = {"epochs": 6, "schedule": "cosine"}
    old, history = run_to_its_end(recipe=recipe)
    new = small_spec(points=4, pruner="none", recipe={**recipe, "epochs": 8})
    with pytest.raises(UserError, match="the schedule cosine depends on the length"):
        check_extension(old, new, history)


def test_more_seeds_reopen_points_and_more_epochs_their_trials(tmp_path: Path) -> None:
    old, history = run_to_its_end()
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    more_seeds = small_spec(points=4, pruner="none", replicates=2)
    events = reopenings(old, more_seeds, history, paths)
    assert [(event.point, event.trial, event.why) for event in events] == [
        (point, None, "extended") for point in range(4)
    ]
    longer = small_spec(points=4, pruner="none", recipe={"epochs": 8})
    with pytest.raises(UserError, match="its checkpoint was not kept"):
        reopenings(old, longer, history, paths)
    for trial in history.trials:
        folder = Path(str(paths.checkpoints(trial.point, trial.replicate)))
        folder.mkdir(parents=True)
        (folder / "attempt-1-epoch-6.ckpt").touch()
    assert [event.trial for event in reopenings(old, longer, history, paths)] == [0, 1, 2, 3]


def test_an_extension_in_which_a_point_would_break_a_rule_is_refused() -> None:
    rules = ["epochs * optimizer.lr <= 6"]
    old, history = run_to_its_end(require=rules)
    largest = max(point.values["optimizer.lr"] for point in history.points)
    new = small_spec(
        points=9, pruner="none", require=rules, recipe={"epochs": math.ceil(7 / largest)}
    )
    with pytest.raises(UserError, match=r"require: point \d would break epochs \* optimizer.lr"):
        check_extension(old, new, history)
    check_extension(old, small_spec(points=9, pruner="none", require=rules), history)
