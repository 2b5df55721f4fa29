"""Studies of training functions, really run: real Ray, processes really killed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from .command import (
    check_exact,
    count,
    events_of,
    history_of,
    kill_all,
    outcome,
    run,
    start,
    wait_for,
)

HERE = Path(__file__).parent
LANGUAGE: dict[str, Any] = {
    "study": "tiny",
    "train": "language_model:train",
    "objective": {"metric": "perplexity", "direction": "minimize"},
    "points": 6,
    "concurrency": 2,
    "pruner": {"name": "asha", "min_epochs": 2, "reduction": 2},
    "recipe": {"epochs": 6, "width": 8, "pause_s": 0.02},
    "space": {"lr": {"log": [1e-4, 1e-1]}, "dropout": {"uniform": [0, 0.5]}},
}


def write_language_study(folder: Path, **changes: Any) -> None:
    shutil.copy(HERE / "language_model.py", folder)
    (folder / "tiny.yaml").write_text(json.dumps(LANGUAGE | changes))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the language study has run without interruption."""
    folder = tmp_path_factory.mktemp("whole")
    write_language_study(folder)
    run(folder, "run", "tiny.yaml")
    return folder


def test_a_study_of_a_training_function_runs_to_its_tables(whole: Path) -> None:
    history = history_of(whole)
    check_exact(history)
    assert {trial.state for trial in history.trials} == {"COMPLETE", "PRUNED"}
    assert "perplexity" in run(whole, "table", "tiny").stdout
    printed = run(whole, "logs", "tiny", "--trial", "0").stdout
    assert "    printed by attempt 1:\n    | epoch 1 training" in printed


@pytest.mark.parametrize("kills", [1, pytest.param(3, marks=pytest.mark.faults)])
def test_killed_and_resumed_it_ends_as_if_it_had_never_been_killed(
    kills: int, whole: Path, tmp_path: Path
) -> None:
    write_language_study(tmp_path)
    for number in range(kills):
        command = ("resume", "tiny") if number else ("run", "tiny.yaml")
        enough = count(tmp_path, "reported") + 4
        process = start(tmp_path, *command)
        wait_for(lambda least=enough: count(tmp_path, "reported") >= least, "reports")  # type: ignore[misc]
        assert process.poll() is None
        kill_all(process)
    run(tmp_path, "resume", "tiny")
    history = history_of(tmp_path)
    check_exact(history)
    assert outcome(history) == outcome(history_of(whole))
    assert count(tmp_path, "started") > len(history.trials), "some trial went on from its state"


HOSTILE = """
import ctypes, os, random, sys, threading
import torch
import hostile_trainings

def train(config, session):
    kind = config["kind"]
    if kind != "good":
        getattr(hostile_trainings, kind)({"seconds": 5}, session)
        return
    total = torch.zeros(())
    for epoch in range(2):
        total = total + torch.rand(()) + random.random()
        session.report({"loss": total})
"""
KINDS = {
    "os_exit": "error",
    "sys_exit": "error",
    "generator_exit": "error",
    "mute_error": "error",
    "segfault": "error",
    "memory_error": "out_of_memory",
    "not_a_number": "diverged",
    "no_report": "invalid",
    "changes_torch": None,
    "changes_python": None,
    "changes_folders": None,
    "leaves_threads": None,
    "holds_the_gil": None,
}


@pytest.mark.faults
def test_hostile_functions_have_their_classes_and_the_trials_after_them_are_as_without_them(
    tmp_path: Path,
) -> None:
    shutil.copy(HERE / "execution" / "on_ray" / "hostile_trainings.py", tmp_path)
    (tmp_path / "mine.py").write_text(HOSTILE)
    first = [kind for name in KINDS for kind in (name, "good")]
    tree = {
        "study": "tiny",
        "train": "mine:train",
        "objective": {"metric": "loss", "direction": "minimize"},
        "points": len(first),
        "concurrency": 1,
        "sampler": "first-only",
        "recipe": {"kind": "good"},
        "first": [{"set": {"kind": kind}} for kind in first],
    }
    (tmp_path / "tiny.yaml").write_text(json.dumps(tree))
    run(tmp_path, "run", "tiny.yaml", "--keep-going")
    history = history_of(tmp_path)
    ends = {}
    for trial, kind in zip(history.trials, first, strict=True):
        if kind == "good":
            assert [row["loss"] for row in trial.rows] == [
                row["loss"] for row in history.trials[1].rows
            ]
        else:
            ends[kind] = trial.failure.failure_class if trial.failure else None
    assert ends == KINDS
    assert all(len(trial.attempts) == 1 for trial in history.trials)
    pids = {event["pid"] for event in events_of(tmp_path) if event["event"] == "placed"}
    assert len(pids) == 1, "one worker has run them all"
