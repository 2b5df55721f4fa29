"""Small trainings on the pretended GPU, and what goes on in each of their steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from study.training.epoch_row import EpochRow
from study.training.loop import train
from study.training.recipe.recipe import Recipe, merge
from study.training.summary import Outcome

from .ledger import Ledger, Traffic
from .pretended import pretended_gpu

SMALL: dict[str, Any] = {
    "epochs": 1,
    "model": {"name": "mlp", "width": 0.1},
    "data": {
        "name": "digits",
        "train_images": 64,  # four steps, the last of ten images
        "test_images": 24,
        "batch_size": 16,
        "eval_batch_size": 20,
        "augment": {"name": "crop_flip", "pad": 1},
    },
}


@dataclass
class OnGpu:
    """A training that has run there."""

    rows: list[EpochRow]
    outcome: Outcome
    ledger: Ledger
    beats: list[Traffic]
    """What there had been at each heartbeat; the first epoch's first ones are those of its steps."""

    @property
    def step(self) -> Traffic:
        """What went on between the second step and the third."""
        return self.beats[2].since(self.beats[1])


def recipe(**changes: Any) -> Recipe:
    return Recipe.model_validate(merge(SMALL, changes))


def trained_on_gpu(given: Recipe, **options: Any) -> OnGpu:
    rows: list[EpochRow] = []
    beats: list[Traffic] = []
    with pretended_gpu() as ledger:
        outcome = train(
            given,
            device="cuda",
            report=lambda row: rows.append(row) is None,
            heartbeat=lambda: beats.append(ledger.traffic.copy()),
            **options,
        )
    return OnGpu(rows, outcome, ledger, beats)
