"""What asking, telling and journaling cost beside Optuna alone in memory, in CPU seconds,
interleaved.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import optuna
import pytest

from study.files.local_storage import LocalPath
from study.journal.history import History
from study.journal.journal import Journal, read_records
from study.sampling.samplers import make_sampler
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

from ..study.fake_cluster import Storage, controller_on
from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
POINTS, BLOCK = 1000, 100
LR = {"log": [1e-4, 1]}
SPACE = {
    "optimizer": {
        "one_of": {
            "sgd": {
                "lr": LR,
                "momentum": {"uniform": [0, 0.99]},
                "weight_decay": {"log": [1e-6, 1e-2]},
            },
            "adamw": {"lr": LR, "weight_decay": {"log": [1e-6, 1e-1]}},
        }
    },
    "schedule": {"one_of": {"constant": {}, "cosine": {"warmup_epochs": {"int": [0, 5]}}}},
    "loss": {"label_smoothing": {"uniform": [0, 0.3]}, "l2": {"log": [1e-8, 1e-3]}},
    "model": {"norm": {"choice": ["none", "every_conv"]}},
    "precision": {"choice": ["fp32", "bf16"]},
    "accumulation": {"choice": [1, 2, 4]},
}


def score(values: dict[str, Any]) -> float:
    return -abs(values["optimizer.lr"] - 0.1) - values["loss.label_smoothing"]


def test_a_thousand_points_beside_optuna_alone(tmp_path: Path, board: Board) -> None:
    spec = spec_from_tree(
        {
            "study": "s",
            "points": POINTS,
            "concurrency": 1,
            "reproducible": False,
            "recipe": {"epochs": 1},
            "space": SPACE,
        }
    )
    journal = Journal.create(LocalPath(tmp_path) / "journal" / "events.jsonl")
    storage = Storage()
    storage.append = journal.append  # type: ignore[method-assign]
    controller = controller_on(storage, spec)
    alone = optuna.create_study(direction="maximize", sampler=make_sampler(spec.sampler, 0))
    ours = theirs = 0.0
    for _ in range(0, POINTS, BLOCK):
        began = time.process_time()
        ask_alone(alone, spec)
        theirs += time.process_time() - began
        began = time.process_time()
        ask_ours(controller)
        ours += time.process_time() - began
    what = (
        f"ask and tell {POINTS:,} points by tpe, recorded, over Optuna in memory ({theirs:.1f} s)"
    )
    board.at_most(what, ours / theirs, 1.3, "×")
    assert len(controller.history.points) == len(alone.trials) == POINTS


def ask_alone(study: optuna.Study, spec: StudySpec) -> None:
    for _ in range(BLOCK):
        trial = study.ask()
        study.tell(trial, score(spec.space.ask(trial)))


def ask_ours(controller: Any) -> None:
    for _ in range(BLOCK):
        assignment = controller.next()
        value = score(controller.history.points[assignment.point].values)
        controller.reported(
            assignment.trial, 1, {"epoch": 1, "last": True, "val_accuracy": value, "seconds": 1.0}
        )
        controller.finished(assignment.trial, 1, "epochs", {})


@pytest.mark.parametrize("trials", [1000, 10_000])
def test_loading_a_journal_takes_time_linear_in_its_length(
    trials: int, tmp_path: Path, board: Board
) -> None:
    epochs = 50
    path = LocalPath(tmp_path) / "journal" / "events.jsonl"
    journal = Journal.create(path)
    row = dict.fromkeys(
        ("val_accuracy", "val_loss", "train_loss", "train_accuracy", "lr", "seconds"), 0.12345
    )
    took = []
    for number in range(trials):
        shared = {"trial": number, "attempt": 1, "time": 1.0}
        asked = {
            "event": "asked",
            "point": number,
            "values": {"optimizer.lr": 0.1},
            "origin": "sampler",
            "time": 1.0,
        }
        started = {
            "event": "started",
            "point": number,
            "replicate": 0,
            "seed": 0,
            "kind": "search",
            "epochs": 0,
        }
        events: list[dict[str, Any]] = [
            asked | {"entry": None, "level": 0, "nominal": 1.0, "known": True},
            started | {"substitutions": {}} | shared,
        ]
        events += [
            {"event": "reported", "epoch": e + 1, "last": False, "metrics": row} | shared
            for e in range(epochs)
        ]
        began = time.perf_counter()
        journal.append(*events)
        took.append(time.perf_counter() - began)
    journal.close()
    began = time.process_time()
    history = History(read_records(path))
    seconds = time.process_time() - began
    size = path.stat().st_size / 2**20
    board.shown(
        f"- a journal of {trials:,} × {epochs} epochs ({size:.0f} MiB) read", f"{seconds:.2f} s"
    )
    assert len(history.trials) == trials


def test_appending_an_epoch_costs_the_same_however_long_the_study(
    tmp_path: Path, board: Board
) -> None:
    journal = Journal.create(LocalPath(tmp_path) / "journal" / "events.jsonl")
    report = {"event": "reported", "trial": 0, "attempt": 1, "epoch": 1, "last": False, "time": 1.0}
    report["metrics"] = {f"metric_{n}": 0.1234567 for n in range(16)}
    took: list[float] = []
    for _ in range(3000):
        began = time.perf_counter()
        journal.append(report)
        took.append(time.perf_counter() - began)
    journal.close()
    early, late = sorted(took[:500])[250] * 1000, sorted(took[-500:])[250] * 1000
    board.shown(
        "- an epoch appended alone, at first and after 2,500 others",
        f"{early:.2f} and {late:.2f} ms",
    )
    assert len(took) == 3000
