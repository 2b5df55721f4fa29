"""The command line as a whole: it says what it is, and ends as a shell expects."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

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
