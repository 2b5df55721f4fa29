"""What is said once a study has ended, whenever Ctrl-C is pressed; and what to type next."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from analysis.tables.points import leaderboard
from study.cli.training import run as commands
from study.errors import Interrupted
from study.execution.run import RunResult
from study.execution.signals import StopOnSignals
from study.journal.failure import Failure

from ...fake_cluster import Storage, controller_on, small_spec
from ...fake_folder import run_into

OPTIONS: dict[str, Any] = {"address": None, "data_dir": None}


def end(result: Callable[[StopOnSignals], RunResult], storage: Path, **options: Any) -> int:
    """End a command with what its run came to; return the command's exit code."""
    signals = StopOnSignals()
    given = OPTIONS | {"signals": signals} | options
    with pytest.raises(typer.Exit) as ended:
        commands._drive(lambda trusted: result(signals), str(storage), False, given)
    return ended.value.exit_code


def study_in(folder: Path, **options: Any) -> RunResult:
    """Run a study of the fake cluster into a folder, and give what its run came to."""
    from study.results.parquet import write_tables

    points = options.pop("points", 3)
    pruner = options.pop("pruner", "none")
    paths, controller = run_into(folder, small_spec(points=points, pruner=pruner), **options)
    write_tables(paths)
    return RunResult(paths, controller.history, options.get("reason", "complete"))


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def closed(done: RunResult) -> Callable[[StopOnSignals], RunResult]:
    """Give the result of a run that has ended and is closed, as a driver leaves it."""

    def result(signals: StopOnSignals) -> RunResult:
        with signals:
            signals.follow(controller_on(Storage(), small_spec()), "fake")
            signals.begin_closing()
        return done

    return result


def test_ctrl_c_while_ray_is_left_hides_nothing_of_a_complete_study(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = study_in(tmp_path)

    def result(signals: StopOnSignals) -> RunResult:
        ended = closed(done)(signals)
        press()  # the driver is through, and its table not yet there
        return ended

    assert end(result, tmp_path) == 0
    said = capfd.readouterr()
    assert "the study has ended and is being closed" in said.err
    assert "study fake is complete: 3 COMPLETE" in said.out
    assert "Leaderboard" in said.out


def test_ctrl_c_twice_while_the_table_is_made_says_that_the_study_is_complete(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def make_slowly(*given: object) -> None:
        press()
        press()

    monkeypatch.setattr(leaderboard, "leaderboard_table", make_slowly)
    assert end(closed(study_in(tmp_path)), tmp_path) == 0
    said = capfd.readouterr().err.splitlines()[-1]
    assert said == f"study fake is complete: study table fake --storage {tmp_path}"


def test_ctrl_c_twice_while_a_study_is_closed_says_how_to_go_on(tmp_path: Path) -> None:
    def result(signals: StopOnSignals) -> RunResult:
        with signals:
            signals.follow(controller_on(Storage(), small_spec()), "fake")
            signals.begin_closing()
            press()
            press()
        raise AssertionError

    with pytest.raises(Interrupted) as told:
        end(result, tmp_path, address="10.0.0.1:6379")
    resume = f"study resume fake --address 10.0.0.1:6379 --storage {tmp_path}"
    assert str(told.value) == f"interrupted; nothing is lost. Go on with: {resume}"


def test_ctrl_c_before_there_is_a_study_is_left_to_the_command(tmp_path: Path) -> None:
    def result(signals: StopOnSignals) -> RunResult:
        press()
        raise AssertionError

    with pytest.raises(KeyboardInterrupt):
        end(result, tmp_path)


# -- what to type next -----------------------------------------------------------------


def next_steps(done: RunResult, capfd: pytest.CaptureFixture[str], **options: Any) -> list[str]:
    """Return the commands that are proposed, each without the storage."""
    folder = done.paths.storage
    assert end(closed(done), Path(str(folder)), **options) == done.exit_code
    lines = capfd.readouterr().out.partition("next:")[2].splitlines()
    commands = [line.strip() for line in lines]
    for command in commands:
        assert "NAME" not in command
        assert shlex.split(command)[-2:] == ["--storage", str(folder)]
    return [command.removesuffix(f" --storage {folder}") for command in commands]


def test_a_complete_study_is_looked_at_and_gone_on_with(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert next_steps(study_in(tmp_path), capfd, data_dir="my images") == [
        "study report fake",
        "study table fake --kind effects",
        "study resume fake --points 8 --data-dir 'my images'",
    ]


def fail(assignment: Any, epoch: int) -> Failure:
    return Failure("error", "KeyError: 'width'\nmore", {"place": "own.py:7 in train"})


def test_of_a_study_that_only_failed_one_sees_why_and_tries_again(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = study_in(tmp_path, points=1, hurt=fail)
    assert end(closed(done), tmp_path) == 1
    said = capfd.readouterr()
    assert said.err == (
        "no point has a usable result; trial 0 failed, error: KeyError: 'width' (own.py:7 in"
        " train)\n"
    )
    assert "Leaderboard" not in said.out
    assert next_steps(done, capfd) == [
        "study table fake --kind failures",
        "study logs fake --trial 0",
        "study retry fake --failed",
    ]


def test_where_some_points_failed_that_is_the_first_thing_to_look_at(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail_first(assignment: Any, epoch: int) -> Failure | None:
        return fail(assignment, epoch) if assignment.point == 0 else None

    steps = next_steps(study_in(tmp_path, hurt=fail_first), capfd)
    assert steps[:4] == [
        "study table fake --kind failures",
        "study logs fake --trial 0",
        "study retry fake --failed",
        "study report fake",
    ]


def test_where_an_interruption_ended_it_the_same_options_are_proposed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done = study_in(tmp_path)
    cut = RunResult(done.paths, done.history, "interrupted")
    assert end(closed(cut), tmp_path, address="10.0.0.1:6379") == 130
    resume = f"study resume fake --address 10.0.0.1:6379 --storage {tmp_path}"
    assert capfd.readouterr().out.endswith(f"nothing is lost. Go on with: {resume}\n")
