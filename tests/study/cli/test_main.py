"""The command line as a whole: it says what it is, and ends as a shell expects."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

import study.cli

from ..command import STUDY, run


def test_every_command_stands_in_the_help(home: Path) -> None:
    shown = run(home, "--help").stdout
    assert "Hyperparameter studies" in shown
    commands = "stop add remove collect submit status list logs table query report compare run"
    beside = "resume retry train preview init schema export tensorboard dashboard"
    words = shown.split()
    assert [word for word in f"{commands} {beside}".split() if word not in words] == []


def test_a_reader_that_has_gone_hears_no_complaint(home: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [STUDY, "schema"], cwd=home, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.stderr == b""


def test_a_file_that_is_not_there_is_named(home: Path) -> None:
    said = run(home, "train", "not-there.yaml", code=2).stderr
    assert "not-there.yaml" in said
    assert said.count("\n") == 1


def test_nothing_that_a_command_says_acts_on_the_terminal(home: Path) -> None:
    said = run(home, "train", "\x1b[2J.yaml", code=2).stderr
    assert "\x1b" not in said
    assert "\\x1b[2J.yaml" in said
    assert "\x1b" not in run(home, "status", "--storage", "\x1b[2J").stdout
    sources = Path(study.cli.__file__).parent.glob("*.py")
    others = [path.name for path in sources if "typer.echo" in path.read_text()]
    assert others == ["options.py"], "all goes through one function"


def test_closed_streams_lead_nowhere(home: Path) -> None:
    closed = subprocess.run(
        ["/bin/sh", "-c", f"exec {STUDY} init mine.yaml <&- >&- 2>&-"], cwd=home, check=False
    )
    assert closed.returncode == 0
    written = (home / "mine.yaml").read_text()
    assert written.startswith("#")
    assert "wrote" not in written


def test_an_output_that_takes_nothing_is_named(home: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [STUDY, "schema"], cwd=home, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert "Traceback" not in done.stderr
    assert "No space left on device" in done.stderr


def test_a_study_file_that_was_changed_by_hand_is_one_line_beside_the_answer(
    home: Path, tmp_path: Path
) -> None:
    shutil.copytree(home / "studies" / "fake", tmp_path / "studies" / "fake")
    file = tmp_path / "studies" / "fake" / "study.yaml"
    file.write_text(file.read_text() + "question: another\n")
    shown = run(tmp_path, "status", "fake", "--format", "json")
    best = json.loads(run(home, "status", "fake", "--format", "json").stdout)["best"]
    assert json.loads(shown.stdout)["best"] == best
    assert shown.stderr.count("\n") == 1
    assert "study.yaml is not what fake runs by" in shown.stderr


def test_ctrl_c_always_says_something(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("study.spec.json_schema.json_schema", interrupted)
    monkeypatch.setattr("sys.argv", ["study", "schema"])
    assert import_module("study.cli.main")._run_command() == 130
    assert capsys.readouterr().err == "interrupted\n"
