"""Schedules that follow a metric: they change after an epoch, and carry their state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from study.training.epoch_row import EpochRow
from study.training.recipe.metric_catalog import direction_of, is_better, is_minimized
from study.training.recipe.schedules import Plateau, Schedule, Switch

_PLATEAU_STATE = ("best", "num_bad_epochs", "cooldown_counter", "last_epoch")
"""Attributes of torch's ReduceLROnPlateau that change."""


class MetricFactor:
    """A factor on the learning rate that may change after an epoch; this one stays 1."""

    factor = 1.0

    def after_epoch(self, row: EpochRow) -> None:
        """Take notice of an epoch's row."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class _SwitchFactor(MetricFactor):
    """Changes once and for good, when the metric passes its threshold."""

    def __init__(self, spec: Switch, lr: float) -> None:
        self._metric = spec.metric
        self._threshold = spec.threshold
        self._factor_after = spec.lr_after / lr

    def after_epoch(self, row: EpochRow) -> None:
        value = float(row[self._metric])
        if is_better(value, self._threshold, direction_of(self._metric)):
            self.factor = self._factor_after

    def state_dict(self) -> dict[str, Any]:
        return {"factor": self.factor}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.factor = state["factor"]


class _PlateauFactor(MetricFactor):
    """torch's ReduceLROnPlateau on an optimizer of its own, whose learning rate is the factor."""

    def __init__(self, spec: Plateau) -> None:
        self._metric = spec.metric
        self._optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
        self._scheduler = ReduceLROnPlateau(
            self._optimizer,
            mode="min" if is_minimized(spec.metric) else "max",
            factor=spec.factor,
            patience=spec.patience,
            threshold=spec.threshold,
            cooldown=spec.cooldown,
            min_lr=spec.min_factor,
            eps=0.0,
        )

    def after_epoch(self, row: EpochRow) -> None:
        self._scheduler.step(float(row[self._metric]))
        self.factor = self._optimizer.param_groups[0]["lr"]

    def state_dict(self) -> dict[str, Any]:
        state = {name: getattr(self._scheduler, name) for name in _PLATEAU_STATE}
        return {"factor": self.factor, **state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.factor = state["factor"]
        self._optimizer.param_groups[0]["lr"] = state["factor"]
        for name in _PLATEAU_STATE:
            setattr(self._scheduler, name, state[name])


def make_metric_factor(spec: Schedule, lr: float) -> MetricFactor:
    """Make the factor of a schedule that follows a metric; of any other one it stays 1."""
    make = _METRIC_FACTORS.get(type(spec))
    return make(spec, lr) if make else MetricFactor()


_METRIC_FACTORS: dict[type[Schedule], Callable[[Any, float], MetricFactor]] = {
    Switch: _SwitchFactor,
    Plateau: lambda spec, lr: _PlateauFactor(spec),
}
