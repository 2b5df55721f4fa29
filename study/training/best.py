"""The weights of the best epoch so far, kept beside those that training goes on with."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import nn

from study.training.recipe.metric_catalog import Direction, is_better


class BestBy(NamedTuple):
    """By which column of the epoch rows, and in which direction, an epoch is the best one."""

    metric: str
    direction: Direction

    def better(self, value: float, than: float) -> bool:
        return is_better(value, than, self.direction)


class BestEpoch:
    """Remembers the first epoch at which the metric was best, and its weights; without ``by`` it
    does nothing.
    """

    def __init__(self, by: BestBy | None) -> None:
        self._by = by
        self.epoch = 0
        """0 as long as there is none."""
        self._value = math.nan
        self._model: dict[str, torch.Tensor] = {}

    def look(self, epoch: int, row: Mapping[str, float | int | str], model: nn.Module) -> None:
        """An epoch has ended with this row and these weights."""
        value = row.get(self._by.metric) if self._by else None
        if self._by is None or not isinstance(value, int | float) or not math.isfinite(value):
            return
        if not self.epoch or self._by.better(value, than=self._value):
            self.epoch, self._value = epoch, float(value)
            self._model = {
                name: tensor.detach().to("cpu", copy=True)
                for name, tensor in model.state_dict().items()
            }

    def put_into(self, model: nn.Module) -> bool:
        """Give the model the best epoch's weights; False where there is none, and it keeps its
        own.
        """
        if self.epoch:
            model.load_state_dict(self._model)
        return bool(self.epoch)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it: nothing where there is no best epoch to remember."""
        return (
            {"best": {"epoch": self.epoch, "value": self._value, "model": self._model}}
            if self.epoch
            else {}
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint; from one that knows of no best epoch none can be told any
        more.
        """
        if found := state.get("best"):
            self.epoch, self._value, self._model = found["epoch"], found["value"], found["model"]
        else:
            self._by = None
