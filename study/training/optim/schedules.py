"""Sets the learning rate of each update from the recipe's schedule.

The rate is a group's peak times a warm-up, a curve of the step (see ``curves``) and a factor that
may follow a metric (see ``metric_factors``).
"""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer

from study.training.epoch_row import EpochRow
from study.training.optim.curves import (
    TrainingLength,
    curve_factor,
    onecycle_momentum,
    warmup_factor,
)
from study.training.optim.metric_factors import make_metric_factor
from study.training.recipe.recipe import Recipe
from study.training.recipe.schedules import OneCycle


class LearningRate:
    """Sets every group's learning rate (and, in a cycle, momentum) before an update."""

    def __init__(self, recipe: Recipe, steps_per_epoch: int) -> None:
        self._spec = recipe.schedule
        self._length = TrainingLength(steps_per_epoch, _total_steps(recipe, steps_per_epoch))
        self._metric_factor = make_metric_factor(recipe.schedule, recipe.optimizer.lr)

    def factor(self, step: int) -> float:
        """Return the factor on every group's peak rate for the update numbered ``step``, from 0."""
        warmup = warmup_factor(self._spec, step, self._length)
        curve = curve_factor(self._spec, step, self._length)
        return warmup * curve * self._metric_factor.factor

    def set(self, optimizer: Optimizer, step: int) -> None:
        """Set the rates of ``optimizer`` for the update numbered ``step``."""
        factor = self.factor(step)
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * factor
        if isinstance(self._spec, OneCycle) and self._spec.cycle_momentum:
            _set_momentum(optimizer, onecycle_momentum(self._spec, step, self._length))

    def after_epoch(self, row: EpochRow) -> None:
        """Take notice of an epoch's row, as far as the schedule follows a metric."""
        self._metric_factor.after_epoch(row)

    def state_dict(self) -> dict[str, Any]:
        return self._metric_factor.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._metric_factor.load_state_dict(state)


def _total_steps(recipe: Recipe, steps_per_epoch: int) -> int:
    """Return the updates of the whole training as far as the recipe fixes them, else 0."""
    limits = []
    if recipe.epochs:
        limits.append(recipe.epochs * steps_per_epoch)
    if recipe.steps:
        limits.append(recipe.steps)
    return min(limits, default=0)


def _set_momentum(optimizer: Optimizer, momentum: float) -> None:
    for group in optimizer.param_groups:
        if "betas" in group:
            _, *others = group["betas"]
            group["betas"] = (momentum, *others)
        elif "momentum" in group:
            group["momentum"] = momentum
