"""The live display: what a terminal has room for, the running trials' numbers before all else."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from study.cli.progress import LiveDisplay, display_on
from study.controller.next_work import Assignment
from study.journal.failure import Failure

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


@pytest.mark.parametrize("is_terminal", [True, False])
def test_text_from_outside_does_not_act_on_the_terminal(is_terminal: bool) -> None:
    acting = "\x1b[2J \x9b31m \u202e"
    console = Console(file=io.StringIO(), force_terminal=is_terminal, color_system=None, width=200)
    display = display_on(console)
    controller = controller_on(Storage(), small_spec(pruner="none"))
    controller.next()
    controller.history.points[0].values["model"] = acting
    display.begin(controller.spec, controller)
    display.say(f"paused: {acting}")
    controller.failed(0, 1, Failure("invalid", acting))
    display.tick()
    display.end()
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "\\x1b[2J \\x9b31m \\u202e" in shown
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
