"""What comes before the first epoch: the command's start, against the import of torch and an
ordinary Tune script.
"""

from __future__ import annotations

import os
import re
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
STUDY = str(Path(sys.executable).with_name("study"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SPEC = """\
study: first-epoch
points: 1
concurrency: 1
recipe: {epochs: 1, model: mlp, data: {name: digits}}
space: {optimizer: {one_of: {sgd: {lr: {log: [1e-3, 1]}}}}}
"""
ORDINARY = """\
import time
import torch
from ray import tune
from ray.tune.search.optuna import OptunaSearch

def train(config):
    import torch
    from sklearn.datasets import load_digits
    pixels, answers = load_digits(return_X_y=True)
    images, labels = torch.tensor(pixels, dtype=torch.float32) / 16, torch.tensor(answers)
    model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
    for batch in torch.randperm(1437).split(128):
        torch.nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
        optimizer.zero_grad()
    accuracy = float((model(images[1437:]).argmax(1) == labels[1437:]).float().mean())
    tune.report({"val_accuracy": accuracy})

class First(tune.Callback):
    def on_trial_result(self, iteration, trials, trial, result, **info):
        print("first epoch", time.time(), flush=True)

import ray
ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
tune.Tuner(
    train,
    param_space={"lr": tune.loguniform(1e-3, 1)},
    tune_config=tune.TuneConfig(search_alg=OptunaSearch(metric="val_accuracy", mode="max"), num_samples=1),
    run_config=tune.RunConfig(storage_path=__import__("sys").argv[1], verbose=0, callbacks=[First()]),
).fit()
"""


def run(*words: str, cwd: Path) -> tuple[float, float, str]:
    """Wall and processor seconds of a command and of the processes that it waited for, and what it
    said.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.time()
    done = subprocess.run(
        words, cwd=cwd, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
    )
    wall = time.time() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def import_torch(folder: Path) -> float:
    return run(sys.executable, "-c", "import torch", cwd=folder)[0]


def first_epoch(folder: Path) -> tuple[float, float]:
    """Seconds from ``study run`` to the first epoch's record, and from there to the command's
    end.
    """
    from study.files.local_storage import LocalPath
    from study.journal.journal import read_records

    (folder / "first.yaml").write_text(SPEC)
    storage = folder / f"studies-{time.time()}"
    began = time.time()
    run(STUDY, "run", "first.yaml", "--storage", str(storage), cwd=folder)
    ended = time.time()
    events = read_records(LocalPath(storage) / "first-epoch" / "journal" / "events.jsonl")
    reported = [event["time"] for event in events if event["event"] == "reported"]
    assert len(reported) == 1
    return reported[0] - began, ended - reported[0]


def ordinary_first_epoch(folder: Path) -> float:
    (folder / "ordinary.py").write_text(ORDINARY)
    began = time.time()
    said = run(sys.executable, "ordinary.py", str(folder / f"tune-{began}"), cwd=folder)[2]
    found = re.search(r"first epoch ([\d.]+)", said)
    assert found is not None
    return float(found[1]) - began


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def test_the_command_itself(tmp_path: Path, board: Board) -> None:
    assert "Usage" in run(STUDY, "--help", cwd=tmp_path)[2]
    assert "points" in run(STUDY, "preview", "quickstart", cwd=tmp_path)[2]
    board.at_most("study --help", median(lambda: run(STUDY, "--help", cwd=tmp_path)[0]), 0.3, "s")
    walls, cpus = zip(
        *[run(STUDY, "preview", "quickstart", cwd=tmp_path)[:2] for _ in range(ROUNDS)], strict=True
    )
    board.at_most("study preview quickstart", statistics.median(walls), 1.5, "s")
    board.at_most("- of it processor time", statistics.median(cpus), 0.7, "s")


def test_the_first_epoch(tmp_path: Path, board: Board) -> None:
    ours, ends, theirs, torch = [], [], [], []
    import_torch(tmp_path)
    for _ in range(ROUNDS):
        torch.append(import_torch(tmp_path))
        first, end = first_epoch(tmp_path)
        ours.append(first)
        ends.append(end)
        theirs.append(ordinary_first_epoch(tmp_path))
    middle = statistics.median(torch)
    what = f"study run to the first epoch's record, over import torch ({middle:.1f} s)"
    board.at_most(what, statistics.median(ours) / middle, 2.5, "×")
    board.shown(
        "- an ordinary Tune script's first result, over import torch",
        f"{statistics.median(theirs) / middle:.1f} ×",
    )
    board.shown(
        "- from the only epoch's record to the command's end", f"{statistics.median(ends):.1f} s"
    )
