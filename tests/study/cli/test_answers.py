"""Every command answers in JSON, and says in JSON why it fails."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from study.cli.answers import VERSION, asks_for_json
from study.cli.main import _run_command
from study.cli.options import app
from study.files.layout import StudyPaths

COMMANDS: dict[str, Any] = vars(typer.main.get_command(app))["commands"]

FAILS = {
    **{
        name: ["nosuch"]
        for name in ("status", "resume", "watch", "stop", "logs", "table", "report")
    },
    **{name: ["nosuch"] for name in ("remove", "clean", "collect", "dashboard")},
    **{name: ["nosuch.yaml"] for name in ("run", "preview", "train", "schema")},
    "submit": ["nosuch.yaml", "--storage", "/tmp"],
    "retry": ["nosuch", "--failed"],
    "add": ["nosuch", "--set", "optimizer.lr=0.1"],
    "extend": ["nosuch", "--points", "9"],
    "drop": ["nosuch", "--point", "0"],
    "share": ["nosuch", "2"],
    "export": ["nosuch", "--to", "there"],
    "tensorboard": ["nosuch", "--to", "there"],
    "mirror": ["nosuch", "--to", "tensorboard"],
    "explain": ["nosuch", "--trial", "0"],
    "replay": ["nosuch", "--pruner", "asha"],
    "query": ["select nothing from nowhere"],
    "compare": ["nosuch", "nosuch"],
    "init": ["there/is/no/folder/s.yaml"],
    "list": ["--storage", "no://such"],
    "serve": ["--port", "none"],
}
"""A call of every command that can't be answered."""
WORKS = {
    "status": ["fake"],
    "list": [],
    "logs": ["fake"],
    "table": ["fake"],
    "query": ["select count(*) as points from points"],
    "explain": ["fake", "--point", "0"],
    "replay": ["fake", "--pruner", "median"],
    "add": ["fake", "--set", "optimizer.lr=0.1"],
    "drop": ["fake", "--point", "0"],
    "share": ["fake", "2"],
    "clean": ["fake"],
    "collect": ["fake"],
    "remove": ["fake", "--yes"],
    "watch": ["fake"],
    "init": ["new.yaml"],
    "schema": [],
    "preview": ["quickstart"],
    "mirror": ["fake", "--to", "tensorboard:there"],
    "report": ["fake"],
    "compare": ["fake", "fake"],
}
"""Calls that need neither Ray nor torch."""


@pytest.fixture
def folder(finished: StudyPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a finished study, in which commands are typed."""
    shutil.copytree(finished.folder, tmp_path / "studies" / "fake")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def typed(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, Any]:
    """The exit code of a command, and what it has answered."""
    monkeypatch.setattr(sys, "argv", ["study", *words, "--format", "json"])
    exit_code = _run_command()
    return exit_code, json.loads(capsys.readouterr().out)


def test_no_command_is_forgotten() -> None:
    assert set(FAILS) == set(COMMANDS)
    for command in COMMANDS.values():
        assert any("--format" in parameter.opts for parameter in command.params), command.name


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_says_in_json_why_it_fails(
    name: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_code, found = typed([name, *FAILS[name]], monkeypatch, capsys)
    assert exit_code == found["exit_code"] == 2
    assert found["version"] == VERSION
    assert found["error"]
    exit_code, found = typed([name, "--no-such-option"], monkeypatch, capsys)
    assert exit_code == found["exit_code"] == 2
    assert "--no-such-option" in found["error"]


@pytest.mark.parametrize("name", sorted(WORKS))
def test_an_answer_that_is_a_mapping_has_its_version(
    name: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exit_code, found = typed([name, *WORKS[name]], monkeypatch, capsys)
    assert exit_code == 0
    assert found["version"] == VERSION


def test_a_list_stays_a_list(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, found = typed(["status"], monkeypatch, capsys)
    assert [status["study"] for status in found] == ["fake"]


def test_every_fault_of_a_file_is_told_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "s.yaml").write_text("study: s\npoints: none\nsampler: none\n")
    _, found = typed(["run", "s.yaml"], monkeypatch, capsys)
    assert found["kind"] == "SpecError"
    assert {"s.yaml:2", "s.yaml:3"} <= {fault.split(": ")[0] for fault in found["faults"]}
    assert len(found["faults"]) >= 2
    assert found["error"].splitlines() == found["faults"]


def test_nothing_is_asked_where_a_program_reads(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    exit_code, found = typed(["remove", "fake"], monkeypatch, capsys)
    assert exit_code == 2
    assert "--yes" in found["error"]


def test_a_format_that_is_none_is_a_mistake(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["study", "collect", "fake", "--format", "xml"])
    assert _run_command() == 2
    assert "--format: must be one of table | json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["status", "--format", "json"], True),
        (["status", "--format=json"], True),
        (["query", "json", "--format", "csv"], False),
        (["--format"], False),
    ],
)
def test_a_command_line_says_whether_a_program_reads(words: list[str], wanted: bool) -> None:
    assert asks_for_json(words) == wanted
