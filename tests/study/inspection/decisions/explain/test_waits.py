"""Where trials stand that wait to be promoted, that never were, and that were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.inspection.decisions.explain.explain import Explanations
from study.inspection.decisions.explain.stops import StopExplanation

from ....fake_cluster import Killed, Storage, controller_on, drive, small_spec
from ....fake_folder import run_into, write_folder

ASHA: dict[str, Any] = {"name": "asha", "min_epochs": 1, "reduction": 2, "promote": True}
FIRST: dict[str, Any] = {"name": "first-epochs", "epochs": 2, "keep": 3}
PASHA: dict[str, Any] = {"name": "pasha", "min_epochs": 1, "reduction": 2}


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize("pruner", [ASHA, FIRST], ids=lambda pruner: str(pruner["name"]))
def test_who_was_never_promoted_was_not_among_the_best_where_it_waited(
    tmp_path: Path, pruner: dict[str, Any], reproducible: bool
) -> None:
    spec = small_spec(pruner=pruner, points=16, recipe={"epochs": 9}, reproducible=reproducible)
    paths, controller = run_into(tmp_path, spec)
    explanations = Explanations(paths)
    stopped = explanations.stopped()
    assert len(stopped) > 8
    for number, stop in explanations.stops().items():
        assert stop.agrees, stop.sentence()
        told = stop.tree()
        assert (told["kind"], told["epoch"]) == ("stop", controller.history.trials[number].epochs)
        here = [t for t in controller.history.trials if t.epochs >= told["epoch"]]
        if told["epoch"] < 9:
            assert len(told["rivals"]) == len(here) - 1
        places = 3 if pruner is FIRST else len(here) // 2
        assert told["places"] == places
        assert told["rank"] > places
        assert sum(rival["value"] > told["value"] for rival in told["rivals"]) == told["rank"] - 1
        assert "and never promoted" in stop.sentence()
    best = next(t for t in controller.history.trials if t.state == "COMPLETE")
    why = explanations.of_trial(best.number).tree()["why"]
    assert "it was promoted after epoch" in why


def test_beyond_the_longest_rung_of_pasha_nobody_goes(tmp_path: Path) -> None:
    def unmoved(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        return {"val_accuracy": -abs(recipe["optimizer"]["lr"] - 0.1) + epoch / 100, "seconds": 1.0}

    spec = small_spec(pruner=PASHA, points=16, recipe={"epochs": 9})
    paths, controller = run_into(tmp_path, spec, curve=unmoved)
    ends = [stop for stop in Explanations(paths).stops().values() if stop.tree()["places"] == 0]
    assert ends
    farthest = max(t.epochs for t in controller.history.trials if t.state == "PRUNED")
    assert farthest == 2
    assert {stop.judgment.epoch for stop in ends} == {farthest}
    assert all("nobody goes on from there" in stop.sentence() for stop in ends)
    assert all(stop.agrees for stop in ends)


def test_a_trial_that_waits_is_told_where_it_stands(tmp_path: Path) -> None:
    storage = Storage()
    spec = small_spec(pruner=ASHA, points=16, recipe={"epochs": 9})
    storage.die_after = 40
    with pytest.raises(Killed):
        drive(controller_on(storage, spec))
    paths = write_folder(tmp_path, spec, storage)
    explanations = Explanations(paths)
    waiting = [trial.number for trial in explanations.history.trials if trial.waits]
    assert waiting
    for number in waiting:
        found = explanations.of_trial(number)
        assert isinstance(found, StopExplanation)
        assert found.tree()["kind"] == "wait"
        assert found.sentence().startswith(f"Trial {number} waits after epoch ")
