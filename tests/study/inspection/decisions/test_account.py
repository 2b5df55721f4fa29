"""The account of a study's decisions that its report is made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from study.inspection.decisions import account
from study.inspection.decisions.account import account_of
from study.inspection.decisions.replay.replay import replay

from ...fake_cluster import Storage, controller_on, curve, small_spec
from ...fake_folder import run_into, write_folder


def early(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
    """Curves of which the best is ahead from the first epoch on."""
    row = curve(recipe, epoch)
    return row | {"val_accuracy": 1 / (1 + abs(recipe["optimizer"]["lr"] - 0.1)) - 0.1 / epoch}


def test_every_stop_and_every_proposal_is_there(tmp_path: Path) -> None:
    paths, controller = run_into(tmp_path, small_spec(points=20))
    found = account_of(paths)
    assert found == json.loads(json.dumps(found))
    stopped = [each.number for each in controller.history.trials if each.stopped_by == "pruner"]
    assert [stop["trial"] for stop in found["stops"]] == stopped
    assert [proposal["point"] for proposal in found["proposals"]] == list(range(20))
    assert (found["stop_count"], found["point_count"]) == (len(stopped), 20)


def test_of_very_many_the_first_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account, "MOST_SHOWN", 3)
    paths, _ = run_into(tmp_path, small_spec(points=20))
    found = account_of(paths)
    assert (len(found["stops"]), len(found["proposals"])) == (3, 3)
    assert (found["stop_count"] > 3, found["point_count"]) == (True, 20)


def test_what_would_have_led_to_the_same_winner_for_less_is_said(tmp_path: Path) -> None:
    spec = small_spec(points=20, pruner="none", sampler="random")
    paths, _ = run_into(tmp_path, spec, curve=early)
    outcomes = replay(paths, ["asha", "hyperband", "median"])
    least = min(outcomes[1:], key=lambda outcome: outcome.epochs)
    assert least.loss == 0
    assert account_of(paths)["saving"] == (
        f"With `pruner: {least.pruner}` the same points would have led to the same winner, point"
        f" {least.winner}, in {least.epochs} epochs instead of 120 ({least.epochs / 120:.0%});"
        " `study replay` says more."
    )


def test_nothing_is_said_of_what_another_winner_would_have_come_from(tmp_path: Path) -> None:
    def late(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        row = early(recipe, epoch)
        return row | {"val_accuracy": row["val_accuracy"] * (1 if epoch == 6 else -1)}

    paths, _ = run_into(tmp_path, small_spec(points=20, pruner="none"), curve=late)
    assert all(outcome.loss for outcome in replay(paths, ["asha", "hyperband", "median"])[1:])
    assert account_of(paths)["saving"] == ""


def test_nothing_is_said_while_a_trial_runs(tmp_path: Path) -> None:
    spec, storage = small_spec(points=8, pruner="none"), Storage()
    controller_on(storage, spec).next()
    assert account_of(write_folder(tmp_path, spec, storage))["saving"] == ""


def test_nothing_is_said_where_it_is_not_sure(tmp_path: Path) -> None:
    """asha has cut off what the others would have let go on."""
    paths, _ = run_into(tmp_path, small_spec(points=20), curve=early)
    assert not any(outcome.exact for outcome in replay(paths, ["hyperband", "median"])[1:])
    assert account_of(paths)["saving"] == ""
