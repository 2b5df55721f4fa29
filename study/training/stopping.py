"""When a training ends: its lengths and its stop rules, whichever comes first, and the reason."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor

from study.training.epoch_row import EpochRow
from study.training.recipe.metric_catalog import direction_of, is_better, reaches, sign_of
from study.training.recipe.recipe import Recipe

StopReason = Literal[
    "epochs", "steps", "seconds", "converged", "target", "patience", "stopped", "returned"
]
"""``returned``: a training function of the user's own came to its end."""


class Convergence:
    """Knet's ``converge``: it watches exponential averages of a loss and of the loss's change.

    For each value x: p = x - avgx; avgx <- a x + (1 - a) avgx; avgp <- a p + (1 - a) avgp, where
    avgx begins as the first x. The loss has converged once avgp is positive.
    https://github.com/denizyuret/Knet.jl
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        self.average: float | None = None
        self.average_change = 0.0

    def update(self, x: float) -> bool:
        """Take the next value; returns whether the loss has converged."""
        average = x if self.average is None else self.average
        change = x - average
        self.average = self.alpha * x + (1 - self.alpha) * average
        self.average_change = self.alpha * change + (1 - self.alpha) * self.average_change
        return self.average_change > 0

    def state_dict(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "value": self.average, "change": self.average_change}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.alpha = state["alpha"]
        self.average = state["value"]
        self.average_change = state["change"]


class StopRules:
    """All that can end a training; ``reason`` is None while it goes on."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.reason: StopReason | None = None
        self._convergence = Convergence(recipe.converge.alpha) if recipe.converge else None
        self._best: float | None = None
        """The best value of ``patience``'s metric."""
        self._epochs_without_better = 0

    def after_step(self, step: int, loss: Tensor, seconds: float) -> bool:
        """Return whether the training ends with this update, even in the middle of an epoch.

        ``seconds`` is the training's time so far.
        """
        recipe = self._recipe
        if self._convergence and self._convergence.update(float(loss)):
            self.reason = "converged"
        elif recipe.steps and step >= recipe.steps:
            self.reason = "steps"
        elif recipe.seconds and seconds >= recipe.seconds:
            self.reason = "seconds"
        return self.reason is not None

    def after_epoch(self, epoch: int, row: EpochRow) -> None:
        """Look whether the training ends with this epoch, unless it has ended already."""
        if self.reason is not None:
            return
        if self._reaches_target(row):
            self.reason = "target"
        elif self._exhausts_patience(row):
            self.reason = "patience"
        elif epoch == self._recipe.epochs:
            self.reason = "epochs"

    def stop(self) -> None:
        """End the training from outside; one that has ended by itself keeps its own reason."""
        self.reason = self.reason or "stopped"

    def _reaches_target(self, row: EpochRow) -> bool:
        target = self._recipe.target
        if target is None:
            return False
        value = float(row[target.metric])
        return reaches(value, target.value, direction_of(target.metric))

    def _exhausts_patience(self, row: EpochRow) -> bool:
        patience = self._recipe.patience
        if patience is None:
            return False
        value = float(row[patience.metric])
        direction = direction_of(patience.metric)
        margin = sign_of(direction) * patience.min_delta
        if self._best is None or is_better(value, self._best + margin, direction):
            self._best = value
            self._epochs_without_better = 0
        else:
            self._epochs_without_better += 1
        return self._epochs_without_better >= patience.epochs

    def state_dict(self) -> dict[str, Any]:
        return {
            # who was stopped from outside may go on another time
            "reason": None if self.reason == "stopped" else self.reason,
            "best": self._best,
            "waited": self._epochs_without_better,
            "averages": self._convergence.state_dict() if self._convergence else {},
        }

    def load_state_dict(self, state: dict[str, Any], epoch: int) -> None:
        """Go on from the state after ``epoch``.

        A training that ended by its epochs goes on where the recipe has more of them by now.
        """
        self.reason = state["reason"]
        self._best = state["best"]
        self._epochs_without_better = state["waited"]
        if self.reason == "epochs" and epoch != self._recipe.epochs:
            self.reason = None
        if self._convergence and state["averages"]:
            self._convergence.load_state_dict(state["averages"])
