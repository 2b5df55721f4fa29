"""A study of a language model of the user's own, killed ten times, equals one that never was."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from ..study.command import (
    check_exact,
    count,
    history_of,
    kill,
    kill_all,
    outcome,
    run,
    start,
)
from ..study.test_own_study import write_language_study

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

KILLS = 10
POINTS = 24


@pytest.mark.parametrize("number", range(2))
def test_ten_kills_change_nothing(number: int, tmp_path: Path) -> None:
    chance = random.Random(number)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        folder.mkdir()
        write_language_study(folder, points=POINTS)
    for kills in range(KILLS):
        process = start(killed, *(("resume", "tiny") if kills else ("run", "tiny.yaml")))
        target = count(killed, "reported") + chance.randrange(2)
        while process.poll() is None and count(killed, "reported") <= target:
            time.sleep(0.05)
        time.sleep(chance.random() * 0.3)
        assert process.poll() is None, process.communicate()[0]
        (kill_all if kills % 2 else kill)(process)
    run(killed, "resume", "tiny")
    run(whole, "run", "tiny.yaml")
    history = history_of(killed)
    check_exact(history, POINTS)
    assert outcome(history) == outcome(history_of(whole))
