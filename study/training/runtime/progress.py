"""How far a training is within its epoch in work: what is never recorded, and only shown."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_COMPILING = "compiling in its first step"
_PATIENCE_WITH_COMPILER = 4.0
TRAINING = "training"
"""The stage of which steps are counted."""


@dataclass(frozen=True)
class ProgressMark:
    """How far a training was at one moment."""

    stage: str = ""
    """What it was at, as a reader is told: ``reading data, 12,300 of 30,000``; ``training`` within
    an epoch.
    """
    epoch: int = 0
    """The epoch in work, from 1; 0 before the first."""
    step: int = 0
    """Updates done in this epoch."""
    steps: int = 0
    """Updates of an epoch; 0 where that isn't known."""
    images_per_second: float = 0.0
    seconds: float = 0.0
    """How long the stage had lasted; of ``training``, the epoch."""


class TrainingProgress:
    """What a training is at. It writes here at each step, and another thread may read."""

    def __init__(self) -> None:
        self._stage = ""
        self._part = ""
        self._since = time.monotonic()
        self._epoch = 0
        self._step = 0
        self._steps = 0
        self._images = 0

    def enter(self, stage: str) -> None:
        """Note that another stage begins."""
        self._stage, self._part, self._since = stage, "", time.monotonic()

    def count(self, done: int, total: int) -> None:
        """Note how much of the stage is done, where it has parts; ``total`` is 0 where not."""
        self._part = f", {done:,} of {total:,}" if total else ""

    def begin_epoch(self, epoch: int, steps: int, *, compiles: bool = False) -> None:
        """Note that an epoch of so many updates begins; of the first one's, the first may
        compile.
        """
        is_first = self._epoch == 0
        self._epoch, self._steps = epoch, steps
        self._step = self._images = 0
        self.enter(_COMPILING if compiles and is_first else TRAINING)

    def add_step(self, images: int) -> None:
        """Note an update on so many images."""
        if self._stage == TRAINING:
            self._images += images
        else:  # how long the first step took to compile says nothing of the pace
            self.enter(TRAINING)
        self._step += 1

    @property
    def patience(self) -> float:
        """How many times as long as usual the stage may show no sign of life: nothing comes from
        a compiler.
        """
        return _PATIENCE_WITH_COMPILER if self._stage == _COMPILING else 1.0

    def mark(self) -> ProgressMark:
        """Return how far the training is now."""
        seconds = time.monotonic() - self._since
        is_training = self._stage == TRAINING
        return ProgressMark(
            stage=f"{self._stage}{self._part}",
            epoch=self._epoch,
            step=self._step,
            steps=self._steps,
            images_per_second=self._images / seconds if is_training and seconds else 0.0,
            seconds=seconds,
        )


class ToldProgress(TrainingProgress):
    """What a training in another process says that it is at."""

    def __init__(self) -> None:
        super().__init__()
        self._told: ProgressMark | None = None

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take notice of a mark's fields."""
        self._told = ProgressMark(**told)

    def mark(self) -> ProgressMark:
        return self._told or super().mark()
