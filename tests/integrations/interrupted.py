"""Trainings that are interrupted after each report, beside the same ones that never are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from study.files.local_storage import LocalPath
from study.training.checkpoint import Checkpoints, CheckpointState
from study.training.own.run import train_function
from study.training.own.session import OwnRow
from study.training.runtime.failures import Stopped


@dataclass
class Training:
    """What came of a training: its rows without their times, and its last checkpoint."""

    rows: list[OwnRow] = field(default_factory=list)
    attempts: int = 0
    last: CheckpointState = field(default_factory=dict)

    @property
    def state(self) -> dict[str, Any]:
        """The last state that the training function has handed over."""
        state: dict[str, Any] = self.last["state"]
        return state


def train(
    reference: str,
    config: dict[str, Any],
    folder: Path,
    *,
    interrupted: bool = False,
    seed: int = 3,
) -> Training:
    """Train to the end, in as many attempts as it takes."""
    training = Training()
    is_over = False

    def report(row: OwnRow) -> bool:
        training.rows.append({name: row[name] for name in row if name != "seconds"})
        return not interrupted

    while not is_over:
        training.attempts += 1
        store = Checkpoints(LocalPath(folder / "checkpoints"), training.attempts)
        try:
            train_function(
                reference,
                config,
                seed=seed,
                report=report,
                checkpoint=store,
                reported=len(training.rows),
                attempt=training.attempts,
            )
            is_over = True
        except Stopped:
            is_over = not interrupted
        training.last = store.latest() or {}
    return training


def train_both_ways(
    reference: str, config: dict[str, Any], folder: Path
) -> tuple[Training, Training]:
    """Train interrupted and whole; rows and random states must be the same, bit for bit."""
    parts = train(reference, config, folder / "parts", interrupted=True)
    whole = train(reference, config, folder / "whole")
    assert whole.attempts == 1
    assert parts.attempts == len(whole.rows) + 1
    assert parts.rows == whole.rows
    assert_same(parts.last["random"], whole.last["random"])
    return parts, whole


def assert_same(found: Any, expected: Any, place: str = "") -> None:
    """Tensors and plain data must be equal, whatever holds them."""
    assert type(found) is type(expected), place
    if isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected), place
    elif isinstance(expected, dict):
        assert found.keys() == expected.keys(), place
        for key, value in expected.items():
            assert_same(found[key], value, f"{place}/{key}")
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected), place
        for index, value in enumerate(expected):
            assert_same(found[index], value, f"{place}/{index}")
    else:
        assert found == expected, place
