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
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from .board import Board
from .trees import HERE, Trees, environment, least

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
STUDY = (sys.executable, "-m", "study.cli")
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


def run(*words: str, cwd: Path, tree: Path = HERE) -> tuple[float, float, str]:
    """Wall and processor seconds of a command and of the processes that it waited for, with a tree's
    code, and what it said.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.time()
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environment(tree),
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    wall = time.time() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def processor_seconds(tree: Path, *words: str) -> float:
    """The processor seconds of a command of ``study``, in a folder where nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        return run(*STUDY, *words, cwd=Path(folder), tree=tree)[1]


def import_torch(folder: Path) -> float:
    return run(sys.executable, "-c", "import torch", cwd=folder)[0]


def first_epoch(folder: Path, tree: Path) -> tuple[float, float]:
    """Seconds from ``study run`` to the first epoch's record, and from there to the command's
    end.
    """
    from study.files.local_storage import LocalPath
    from study.journal.journal import read_records

    (folder / "first.yaml").write_text(SPEC)
    storage = folder / f"studies-{time.time()}"
    began = time.time()
    run(*STUDY, "run", "first.yaml", "--storage", str(storage), cwd=folder, tree=tree)
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


def test_the_command_itself(tmp_path: Path, board: Board, trees: Trees) -> None:
    for words, said, goal_s in (
        (("--help",), "Usage", 0.3),
        (("preview", "quickstart"), "points", 0.7),
    ):
        _, first_s, shown = run(*STUDY, *words, cwd=tmp_path)
        assert said in shown
        spent = partial(processor_seconds_of, words)
        now, before = least(trees.in_turns(spent, ROUNDS))
        board.at_most(f"study {' '.join(words)}, processor time", now, goal_s, "s", before)
        board.shown("- the first time, with nothing kept from before", f"{first_s:.2f} s")
    walls = [run(*STUDY, "preview", "quickstart", cwd=tmp_path)[0] for _ in range(ROUNDS)]
    board.at_most("- wall clock", statistics.median(walls), 1.5, "s")


def processor_seconds_of(words: tuple[str, ...], tree: Path) -> float:
    return processor_seconds(tree, *words)


def test_the_first_epoch(tmp_path: Path, board: Board, trees: Trees) -> None:
    import_torch(tmp_path)
    torch: list[float] = []

    def measure(tree: Path) -> tuple[float, float]:
        torch.append(import_torch(tmp_path))
        return first_epoch(tmp_path, tree)

    found, found_before = trees.in_turns(measure, ROUNDS)
    theirs = [ordinary_first_epoch(tmp_path) for _ in range(ROUNDS)]
    middle = statistics.median(torch)
    first, end = (statistics.median(each) for each in zip(*found, strict=True))
    before = statistics.median(each for each, _ in found_before) / middle if found_before else None
    what = f"study run to the first epoch's record, over import torch ({middle:.1f} s)"
    board.at_most(what, first / middle, 2.5, "×", before)
    board.shown(
        "- an ordinary Tune script's first result, over import torch",
        f"{statistics.median(theirs) / middle:.1f} ×",
    )
    board.shown("- from the only epoch's record to the command's end", f"{end:.1f} s")
