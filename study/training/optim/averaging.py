"""The weights that are evaluated: those that train, or their exponential moving average.

The average is that of ``torch.optim.swa_utils.AveragedModel`` with ``use_buffers``, to the last bit
of its floats; but it counts its updates on the host, so that no step waits for a GPU's count.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from study.training.recipe.sections import Ema


class EvaluatedWeights:
    """Those that train, as long as nothing is averaged."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        """The model that is evaluated, kept as the best one and exported."""

    def update(self) -> None:
        """Take notice of an update of the weights that train."""

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it: ``ema`` as a key, or nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""


class AveragedWeights(EvaluatedWeights):
    """An average that each update moves by a share of 1 - ``decay`` to the newest weights.

    It begins as those after the first update. Buffers with a point, such as the statistics of batch
    norm, are averaged like weights; whole numbers are the newest.
    """

    def __init__(self, model: nn.Module, spec: Ema) -> None:
        super().__init__(copy.deepcopy(model).requires_grad_(False).eval())
        self._share = 1 - spec.decay
        self._updates = 0
        pairs = list(zip(_tensors(self.model), _tensors(model), strict=True))
        self._floats = [pair for pair in pairs if pair[0].is_floating_point()]
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        averages = [average for average, _ in self._floats]
        newest = [tensor.detach() for _, tensor in self._floats]
        if self._updates:
            torch._foreach_lerp_(averages, newest, self._share)
        else:
            torch._foreach_copy_(averages, newest)
        for count, tensor in self._counts:
            count.copy_(tensor)
        self._updates += 1

    def state_dict(self) -> dict[str, Any]:
        return {"ema": {"updates": self._updates, "model": self.model.state_dict()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._updates = state["ema"]["updates"]
        self.model.load_state_dict(state["ema"]["model"])


def evaluated_weights(model: nn.Module, spec: Ema | None) -> EvaluatedWeights:
    """Return what of a model that trains is evaluated."""
    return AveragedWeights(model, spec) if spec else EvaluatedWeights(model)


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]
