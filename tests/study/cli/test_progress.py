"""The live display: what a terminal has room for, the running trials' numbers before all else."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from study.cli.progress import LiveDisplay
from study.controller.next_work import Assignment

from ..fake_cluster import Storage, controller_on, curve, small_spec


@pytest.mark.parametrize("width", [60, 100, 200])
def test_trial_epoch_and_metric_are_shown_whole_however_many_values_there_are(width: int) -> None:
    many = {f"dropout_{number}": "0.25" for number in range(20)}
    controller = controller_on(Storage(), small_spec())
    assignment = controller.next()
    assert isinstance(assignment, Assignment)
    controller.reported(
        assignment.trial, 1, {"epoch": 1, "last": False, **curve(assignment.recipe, 1)}
    )
    controller.history.points[0].values.update(many)
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    display = LiveDisplay(console)
    display.begin(controller.spec, controller)
    display.end()
    with console.capture() as captured:
        console.print(display._picture())
    lines = captured.get().splitlines()
    (head,) = [line for line in lines if "values" in line]
    row = lines[lines.index(head) + 1]
    assert head.split() == ["trial", "epoch", "val_accuracy", "values"]
    assert row.split()[:2] == ["0", "1"]
    assert float(row.split()[2]) == pytest.approx(
        float(controller.history.trials[0].rows[0]["val_accuracy"]), rel=1e-3
    )
    assert row.rstrip().endswith("…") == (width < 400)
