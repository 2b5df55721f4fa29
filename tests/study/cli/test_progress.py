"""The live display: what a terminal has room for, the running trials' numbers before all else."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from study.cli.progress import LiveDisplay, display_on
from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.execution.live_progress import LiveProgress
from study.journal.events import Placement
from study.journal.failure import Failure
from study.training.runtime.progress import ProgressMark

from ..command import wait_for
from ..fake_cluster import Storage, controller_on, curve, drive, small_spec


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
    display.begin(controller.spec, controller, LiveProgress())
    display.end()
    with console.capture() as captured:
        console.print(display.picture())
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
    display.begin(controller.spec, controller, LiveProgress())
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


def shown_by(display: LiveDisplay, console: Console) -> str:
    with console.capture() as captured:
        console.print(display.picture())
    return captured.get()


def running_display(width: int = 100) -> tuple[LiveDisplay, Console, Controller, LiveProgress]:
    """A display of a study whose first two trials have just been handed out."""
    controller = controller_on(Storage(), small_spec(pruner="none"))
    controller.next()
    controller.next()
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    display, live = LiveDisplay(console), LiveProgress()
    display.begin(controller.spec, controller, live)
    display.end()
    return display, console, controller, live


def test_each_running_trial_has_its_epoch_of_how_many_and_what_it_is_at() -> None:
    display, console, controller, live = running_display()
    assert shown_by(display, console).count("waiting for a worker") == 2
    place = Placement(host="here", node="1", pid=7, device="cpu")
    for trial in (0, 1):
        controller.placed(trial, 1, place)
    live.note(0, ProgressMark(stage="reading data", seconds=0.1))
    mark = ProgressMark("training", 1, step=45, steps=120, images_per_second=1234.5, seconds=9)
    live.note(1, mark)
    lines = shown_by(display, console).splitlines()
    rows = [line for line in lines if line.split()[1:2] == ["0/6"]]
    assert "reading data" in rows[0]
    assert "step 45/120, 1,234 images/s" in rows[1]


def test_within_short_epochs_nothing_is_said_of_steps() -> None:
    display, console, controller, live = running_display()
    controller.placed(0, 1, Placement(host="here", node="1", pid=7, device="cpu"))
    live.note(0, ProgressMark("training", 1, step=4, steps=5, images_per_second=9, seconds=0.5))
    assert "step" not in shown_by(display, console)


def test_what_the_study_waits_for_and_that_it_stops_is_said() -> None:
    display, console, controller, live = running_display()
    live.waiting_for = "Ray to start"
    assert "waiting for Ray to start …" in shown_by(display, console)
    controller.stopping = "interrupted"
    assert "interrupted: closing the study, so that it can be resumed" in shown_by(display, console)


@pytest.mark.parametrize("width", [80, 120])
def test_the_best_so_far_stands_with_its_interval_over_seeds(width: int) -> None:
    controller = controller_on(Storage(), small_spec(points=3, replicates=3, pruner="none"))
    drive(controller)
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    display = LiveDisplay(console)
    display.begin(controller.spec, controller, LiveProgress())
    display.end()
    wait_for(lambda: "[" in shown_by(display, console), "the interval")
    shown = shown_by(display, console)
    assert max(map(len, shown.splitlines())) <= width
    best = max(controller.history.points, key=lambda point: point.first_value)
    assert f"best so far: point {best.number}  val_accuracy {best.first_value:.4f} [" in shown


def test_bars_count_added_points_and_the_confirmation() -> None:
    spec = small_spec(points=3, confirm={"top": 1, "replicates": 4}, pruner="none")
    controller = controller_on(Storage(), spec)
    controller.add_point({"optimizer.name": "sgd", "optimizer.lr": 0.1})
    drive(controller)
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    display = LiveDisplay(console)
    display.begin(controller.spec, controller, LiveProgress())
    display.end()
    lines = shown_by(display, console).splitlines()
    assert any(line.rstrip().endswith("4/4  1 of them added") for line in lines)
    assert any(line.rstrip().endswith("4/4  trials") for line in lines)


def test_trials_that_wait_to_be_promoted_are_counted() -> None:
    promotes = {"name": "asha", "min_epochs": 1, "reduction": 2, "promote": True}
    controller = controller_on(Storage(), small_spec(pruner=promotes, reproducible=False))
    for trial in range(2):
        controller.next()
        controller.reported(trial, 1, {"epoch": 1, "val_accuracy": 0.5, "seconds": 1.0})
        controller.set_aside(trial, 1, 1, "rung")
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)
    display = LiveDisplay(console)
    display.begin(controller.spec, controller, LiveProgress())
    display.end()
    assert "2 epochs, 2 waiting" in shown_by(display, console)


def test_lines_say_that_an_interrupted_study_is_being_closed() -> None:
    controller = controller_on(Storage(), small_spec())
    console = Console(file=io.StringIO(), force_terminal=False, width=100)
    display = display_on(console)
    display.begin(controller.spec, controller, LiveProgress())
    controller.stopping = "interrupted"
    display.tick()
    display.end()
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue().splitlines()
    assert said == [
        "study fake: 12 points",
        "interrupted: closing the study, so that it can be resumed",
    ]


def test_what_is_done_before_the_trials_is_shown_in_its_place() -> None:
    output = io.StringIO()
    display = display_on(Console(file=output, width=80, force_terminal=True, color_system=None))
    display.doing("reading data, 1 of 2")
    display.doing("reading data, 2 of 2")
    display.doing("")
    assert "reading data, 1 of 2" in output.getvalue()
    assert "reading data, 2 of 2" in output.getvalue()
    display.doing("")


def test_without_a_terminal_it_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    display = display_on(Console(file=output, width=80))
    display.doing("reading data, 1 of 2")
    assert output.getvalue() == ""
    monkeypatch.setattr("study.cli.progress._DOING_S", -1.0)
    display.doing("reading data, 2 of 2")
    assert output.getvalue() == "reading data, 2 of 2\n"
