"""The weights of the best epoch so far, kept beside those that training goes on with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from study.training.recipe.metric_catalog import Direction, is_better


class BestBy(NamedTuple):
    """By which metric of the epoch rows, and in which direction, an epoch is the best one."""

    metric: str
    direction: Direction

    def is_better(self, value: float, than: float) -> bool:
        """Whether ``value`` is strictly better, so that of equal epochs the first is the best."""
        return is_better(value, than, self.direction)


class BestEpoch:
    """Remembers the first epoch at which the metric was best, and its weights.

    Without ``by`` it does nothing.
    """

    def __init__(self, by: BestBy | None) -> None:
        self._by = by
        self.epoch = 0
        """The best epoch; 0 as long as there is none."""
        self._value = math.nan
        self._weights: dict[str, torch.Tensor] = {}

    def update(self, epoch: int, row: Mapping[str, float | int | str], model: nn.Module) -> None:
        """Copy the model's weights to the CPU where this epoch's row is the best one so far."""
        if self._by is None:
            return
        value = row.get(self._by.metric)
        if not isinstance(value, int | float) or not math.isfinite(value):
            return
        if self.epoch and not self._by.is_better(value, than=self._value):
            return
        self.epoch = epoch
        self._value = float(value)
        self._weights = {
            name: tensor.detach().to("cpu", copy=True)
            for name, tensor in model.state_dict().items()
        }

    def load_into(self, model: nn.Module) -> bool:
        """Give the model the best epoch's weights. Returns False where there is no best epoch, and
        the model keeps its own.
        """
        if not self.epoch:
            return False
        model.load_state_dict(self._weights)
        return True

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it: ``best`` as a key, or nothing without a best epoch."""
        if not self.epoch:
            return {}
        return {"best": {"epoch": self.epoch, "value": self._value, "model": self._weights}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint. One without a best epoch came from a training that remembered
        none, so that none can be named any more.
        """
        best = state.get("best")
        if not best:
            self._by = None
            return
        self.epoch = best["epoch"]
        self._value = best["value"]
        self._weights = best["model"]
