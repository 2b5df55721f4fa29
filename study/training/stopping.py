"""When a training ends: its lengths and its stop rules, whichever comes first, and the reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor

from study.training.recipe.metric_catalog import direction_of, is_better, reaches, sign_of
from study.training.recipe.recipe import Recipe

Reason = Literal["epochs", "steps", "seconds", "converged", "target", "patience", "stopped"]
Row = Mapping[str, float | int | str]


class Averages:
    """Knet's ``converge``: exponential averages of the loss and of its change; converged once the
    change is positive.

    For each value x: p = x - avgx; avgx <- a x + (1 - a) avgx; avgp <- a p + (1 - a) avgp. It
    starts at the first x.
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.value: float | None = None
        self.change = 0.0

    def converged(self, x: float) -> bool:
        value = x if self.value is None else self.value
        change = x - value
        self.value = self.alpha * x + (1 - self.alpha) * value
        self.change = self.alpha * change + (1 - self.alpha) * self.change
        return self.change > 0


class Length:
    """Asked after each step and each epoch; ``reason`` is None while the training goes on."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.reason: Reason | None = None
        self.averages = Averages(recipe.converge.alpha) if recipe.converge else None
        self.best: float | None = None
        self.waited = 0

    def after_step(self, step: int, loss: Tensor, seconds: float) -> bool:
        """Whether the training ends with this update, be it in the middle of an epoch."""
        recipe = self.recipe
        if self.averages and self.averages.converged(float(loss)):
            self.reason = "converged"
        elif recipe.steps and step >= recipe.steps:
            self.reason = "steps"
        elif recipe.seconds and seconds >= recipe.seconds:
            self.reason = "seconds"
        return self.reason is not None

    def after_epoch(self, epoch: int, row: Row) -> None:
        if self.reason is None and self.reached(row):
            self.reason = "target"
        elif self.reason is None and self.exhausted(row):
            self.reason = "patience"
        elif self.reason is None and epoch == self.recipe.epochs:
            self.reason = "epochs"

    def stop(self) -> None:
        """Someone else ends it; a training that has ended by itself keeps its own reason."""
        self.reason = self.reason or "stopped"

    def reached(self, row: Row) -> bool:
        target = self.recipe.target
        if target is None:
            return False
        value = float(row[target.metric])
        return reaches(value, target.value, direction_of(target.metric))

    def exhausted(self, row: Row) -> bool:
        patience = self.recipe.patience
        if patience is None:
            return False
        value, direction = float(row[patience.metric]), direction_of(patience.metric)
        margin = sign_of(direction) * patience.min_delta
        if self.best is None or is_better(value, self.best + margin, direction):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= patience.epochs

    def state_dict(self) -> dict[str, Any]:
        averages = vars(self.averages) if self.averages else {}
        return {
            "reason": self.reason,
            "best": self.best,
            "waited": self.waited,
            "averages": dict(averages),
        }

    def load_state_dict(self, state: dict[str, Any], epoch: int) -> None:
        """Take up the state after ``epoch``; an end by epochs is none where the recipe has more of
        them by now.
        """
        self.reason, self.best, self.waited = state["reason"], state["best"], state["waited"]
        if self.reason == "epochs" and epoch != self.recipe.epochs:
            self.reason = None
        if self.averages:
            vars(self.averages).update(state["averages"])
