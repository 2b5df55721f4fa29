"""Commands beside a run, by what they print or write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..command import run
from .mistakes import check_mistake


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("preview quickstart", "32 points"),
        ("schema", '"$schema"'),
        ("init fresh.yaml", "study preview fresh.yaml"),
        ("preview fresh.yaml", "study fresh"),
        ("tensorboard fake --to boards", "wrote boards"),
    ],
)
def test_every_command_answers(home: Path, words: str, expected: str) -> None:
    assert expected in run(home, *words.split()).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("export fake --to out --trial 77", "a trial is 'best' or a number below 6"),
        ("export fake --to out --trial 0", "no whole checkpoint"),
    ],
)
def test_a_mistake_is_told_plainly(home: Path, words: str, expected: str) -> None:
    check_mistake(home, words, expected)


def test_a_preview_looks_for_the_studies_that_it_is_to_start_from(home: Path) -> None:
    (home / "warm.yaml").write_text(
        "study: warm\npoints: 2\nspace: {optimizer.lr: {log: [1e-3, 1]}}\nwarm_start: nowhere\n"
    )
    check_mistake(home, "preview warm.yaml", "warm_start: no study nowhere in")


def test_a_preview_can_be_read_by_programs(home: Path) -> None:
    preview = json.loads(run(home, "preview", "quickstart", "--format", "json").stdout)
    assert preview["points"] == 32
