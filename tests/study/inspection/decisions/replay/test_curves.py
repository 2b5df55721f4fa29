"""What a journal knows of a training."""

from __future__ import annotations

from typing import Any

import pytest

from study.inspection.decisions.replay.curves import Curve, CurveEnd, curves_of
from study.journal.trials import Attempt, Trial

from ....controller.studies import fails
from ....fake_cluster import Storage, controller_on, drive, small_spec


def curve_of(rows: list[dict[str, Any]], end: CurveEnd = "cut", longest: int = 9) -> Curve:
    attempts = [Attempt(1, started_at=100.0, epochs_before=0)]
    attempts.append(Attempt(2, started_at=200.0, epochs_before=2))
    trial = Trial(0, 0, 0, 0, "search", attempts=attempts, rows=rows)
    return Curve(trial, end, longest)


def row(epoch: int, attempt: int, time: float, **metrics: Any) -> dict[str, Any]:
    return {"epoch": epoch, "attempt": attempt, "time": time, **metrics}


def test_seconds_are_those_that_the_training_counted() -> None:
    rows = [row(1, 1, 110.0, seconds=4.0), row(2, 1, 120.0, seconds=7.0)]
    curve = curve_of(rows)
    assert [curve.seconds(epochs) for epochs in range(5)] == [0.0, 4.0, 7.0, 10.5, 14.0]


def test_where_none_are_counted_they_are_those_that_passed_while_an_attempt_ran() -> None:
    rows = [row(1, 1, 110.0), row(2, 1, 125.0), row(3, 2, 203.0)]
    curve = curve_of(rows)
    assert [curve.seconds(epochs) for epochs in range(4)] == [0.0, 10.0, 25.0, 28.0]


def test_metrics_are_what_was_reported_and_stay_as_they_were() -> None:
    curve = curve_of([row(1, 1, 110.0, val_accuracy=0.5)])
    assert curve.metrics(1) == curve.metrics(7) == {"val_accuracy": 0.5}


@pytest.mark.parametrize("pruner", ["none", "asha"])
def test_a_curve_is_whole_unless_it_was_cut_off(pruner: str) -> None:
    spec = small_spec(points=12, pruner=pruner)
    controller = controller_on(Storage(), spec)
    drive(controller, hurt=fails("diverged", {3}, replicate=0))
    curves = curves_of(controller.history, spec)
    ends = {"COMPLETE": "finished", "FAIL": "failed", "PRUNED": "cut"}
    for trial in controller.history.trials:
        curve = curves[trial.point, trial.replicate]
        assert (curve.end, curve.longest) == (ends[trial.state], 6)
        assert curve.is_whole == (trial.state != "PRUNED")
    assert any(curve.end == "cut" for curve in curves.values()) == (pruner == "asha")
