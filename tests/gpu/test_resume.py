"""Stopped and gone on with on the pretended GPU, a training is the one that was never stopped; its
states are written beside it, and go on elsewhere too.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from study.files.local_storage import LocalPath
from study.training.checkpoint import Checkpoints
from study.training.loop import train
from study.training.own.state import SavingPace
from study.training.recipe.recipe_paths import fields_of_forms

from .pretended import pretended_gpu
from .trainings import recipe, trained_on_gpu

CLOCKS = {"train_seconds", "eval_seconds", "seconds", "images_per_second", "peak_memory_bytes"}
OPTIMIZERS = sorted(fields_of_forms("optimizer") or {})
OTHERS: list[dict[str, Any]] = [
    {"precision": "fp16", "optimizer": {"name": "adamw"}},
    {"schedule": "plateau"},
    {"ema": {"decay": 0.9}},
    {"model": {"name": "small_cnn", "width": 0.25}},
]


def figures(rows: list[Any]) -> list[Any]:
    return [{key: value for key, value in row.items() if key not in CLOCKS} for row in rows]


@pytest.mark.parametrize(
    "changes", [*({"optimizer": {"name": name}} for name in OPTIMIZERS), *OTHERS], ids=str
)
def test_a_resume_equals_a_straight_run(tmp_path: Path, changes: dict[str, Any]) -> None:
    data = {"train_images": 40}
    straight = trained_on_gpu(recipe(**changes, data=data, epochs=2))
    store = Checkpoints(LocalPath(tmp_path))
    first = trained_on_gpu(recipe(**changes, data=data), checkpoint=store)
    rest = trained_on_gpu(recipe(**changes, data=data, epochs=2), checkpoint=store, reported=1)
    assert len(first.rows) == 1
    assert figures(rest.rows) == figures(straight.rows[1:])


def test_a_state_from_the_gpu_goes_on_on_the_cpu_and_back(tmp_path: Path) -> None:
    for optimizer in ("asgd", "adamw"):
        store = Checkpoints(LocalPath(tmp_path / optimizer))
        given = {"optimizer": {"name": optimizer}}
        trained_on_gpu(recipe(**given), checkpoint=store)
        rows: list[Any] = []
        train(
            recipe(**given, epochs=2),
            report=lambda row, rows=rows: rows.append(row) is None,  # type: ignore[misc]
            checkpoint=store,
            reported=1,
        )
        back = trained_on_gpu(recipe(**given, epochs=3), checkpoint=store, reported=2)
        assert [row["epoch"] for row in (*rows, *back.rows)] == [2, 3]


class Watched(Checkpoints):
    """Notes which threads write, and on which devices the tensors are that they are given."""

    def __init__(self, folder: Path) -> None:
        super().__init__(LocalPath(folder))
        self.writers: list[str] = []

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        self.writers.append(threading.current_thread().name)
        super().save(epoch, state)


def test_states_are_copied_ahead_and_written_by_a_thread_and_the_last_one_is_waited_for(
    tmp_path: Path,
) -> None:
    store = Watched(tmp_path)
    done = trained_on_gpu(recipe(epochs=3), checkpoint=store)
    assert store.writers[0] == "saving"
    assert store.writers[-1] == threading.current_thread().name
    newest = store.latest()
    assert newest is not None
    assert newest["epoch"] == 3
    saved = [each for each in done.ledger.traffic.crossings if "checkpoint.py" in each.line]
    assert {each.what for each in saved} == {"copy out of the GPU, ahead"}


def test_a_training_changes_nothing_of_a_state_that_is_being_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_write = threading.Event()

    class Slow(Watched):
        def save(self, epoch: int, state: dict[str, Any]) -> None:
            if epoch == 1:
                may_write.wait(timeout=900)
            super().save(epoch, state)

    rows: list[Any] = []
    later_steps: list[int] = []

    def heartbeat() -> None:
        later_steps.extend([1] * len(rows))
        if len(later_steps) == 4:  # the second epoch has changed all weights
            may_write.set()

    given = recipe(epochs=2, model={"name": "mlp", "width": 0.1, "dropout": 0.2})
    straight = Checkpoints(LocalPath(tmp_path / "straight"))
    trained_on_gpu(recipe(model={"name": "mlp", "width": 0.1, "dropout": 0.2}), checkpoint=straight)
    with pretended_gpu():
        train(
            given,
            device="cuda",
            report=lambda row: rows.append(row) is None,
            checkpoint=Slow(tmp_path / "slow"),
            heartbeat=heartbeat,
        )
    kept = Checkpoints(LocalPath(tmp_path / "slow"))
    kept.path(2).unlink()
    first, expected = kept.latest(), straight.latest()
    assert first is not None
    assert expected is not None
    assert first["epoch"] == 1
    for name, tensor in expected["model"].items():
        assert torch.equal(first["model"][name], tensor), name


def test_a_pace_leaves_states_out_but_never_the_last(tmp_path: Path) -> None:
    class Never(SavingPace):
        def is_due(self) -> bool:
            return False

    store = Watched(tmp_path)
    trained_on_gpu(recipe(epochs=3), checkpoint=store, pace=Never())
    assert len(store.writers) == 1
    newest = store.latest()
    assert newest is not None
    assert newest["epoch"] == 3
