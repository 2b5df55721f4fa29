"""Commands that account for decisions, by what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from study.journal.history import History

from ..command import history_of, run
from .mistakes import check_mistake


def first_stopped(home: Path) -> int:
    history: History = history_of(home, "fake")
    return next(trial.number for trial in history.trials if trial.stopped_by == "pruner")


def test_a_stop_is_explained(home: Path) -> None:
    number = first_stopped(home)
    shown = run(home, "explain", "fake", "--trial", str(number)).stdout
    assert shown.startswith(f"Trial {number} was stopped after epoch ")
    assert "by asha, at rung" in shown
    told = json.loads(
        run(home, "explain", "fake", "--trial", str(number), "--format", "json").stdout
    )
    assert set(told) > {"kind", "rule", "epoch", "rung", "value", "rivals", "rank", "needed"}
    assert (told["kind"], told["rule"], told["text"]) == ("stop", "asha", shown.splitlines()[0])


def test_a_proposal_is_explained(home: Path) -> None:
    shown = run(home, "explain", "fake", "--point", "3").stdout
    assert shown.startswith("Point 3 is one of those with which tpe begins, spread evenly over the")
    told = json.loads(run(home, "explain", "fake", "--point", "3", "--format", "json").stdout)
    assert set(told) > {"kind", "by", "learned_from", "expected", "novelty", "redrawn"}
    assert (told["kind"], told["by"], told["learned_from"], told["expected"]) == (
        "proposal",
        "spread",
        0,
        None,
    )


def test_pruners_are_replayed_in_their_order(home: Path) -> None:
    words = ["replay", "fake", "--pruner", "none", "--pruner", "{name: asha, reduction: 2}"]
    shown = run(home, *words, "--plot", "rules.svg").stdout
    assert shown.startswith("Replay: the same points under other pruners")
    assert "<svg" in (home / "rules.svg").read_text()
    rules = json.loads(run(home, *words, "--format", "json").stdout)["rules"]
    assert [rule["pruner"] for rule in rules] == [
        "{name: asha, min_epochs: 1, reduction: 2}",
        "none",
        "{name: asha, reduction: 2}",
    ]
    own, none, same = rules
    keys = {"pruner", "epochs", "hours", "winner", "loss", "exact", "low", "high"}
    assert all(set(rule) > keys for rule in rules)
    assert own["epochs"] == sum(trial.epochs for trial in history_of(home, "fake").trials)
    assert own["exact"]
    assert own["loss"] == 0.0
    assert same | {"pruner": own["pruner"]} == own
    assert none["low"] <= none["epochs"] <= none["high"] == 36


def test_the_report_explains_every_stop(home: Path) -> None:
    run(home, "report", "fake")
    report = (home / "studies" / "fake" / "report.html").read_text()
    told = run(home, "explain", "fake", "--trial", str(first_stopped(home))).stdout.splitlines()[0]
    assert told in report
    assert "How points were proposed" in report


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("replay fake --pruner ahsa", "did you mean asha?"),
        ("replay fake --pruner asha --format jsn", "did you mean json?"),
        ("explain fake --point 6", "--point must be a number below 6"),
        ("explain fake", "explain needs either --trial N or --point N"),
        ("explain fake --trial 1 --point 1", "explain needs either --trial N or --point N"),
        ("explain fake --trial 88", "--trial must be a number below 6"),
        ("explain fake --trial 1 --format jsn", "did you mean json?"),
        ("explain fakes --trial 1", "did you mean fake?"),
    ],
)
def test_a_mistake_is_told_plainly(home: Path, words: str, expected: str) -> None:
    check_mistake(home, words, expected)
