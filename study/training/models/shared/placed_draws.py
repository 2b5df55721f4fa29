"""Dropout that depends on an image's place in the batch, and not on the worker that holds it.

Each worker draws what the whole micro-batch is to be multiplied by, and takes what belongs to its
own images. On a CPU that is, for the dropout of torch.nn, what one worker draws. Other layers that
draw, such as those of timm or of the user's own, are left alone.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from study.training.runtime.team.draws import PlacedDraws


class PlacedDropout(nn.Module):
    """Stands in the place of ``nn.Dropout``."""

    def __init__(self, dropout: nn.Dropout, draws: PlacedDraws) -> None:
        super().__init__()
        self.p = dropout.p
        self._draws = draws
        self.train(dropout.training)

    def forward(self, features: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return features
        return features * self._draws.kept(features, self.p, tuple(features.shape[1:]))


class PlacedDepth(nn.Module):
    """Stands in the place of torchvision's ``StochasticDepth`` of whole rows (arXiv:1603.09382)."""

    def __init__(self, depth: Any, draws: PlacedDraws) -> None:
        super().__init__()
        self.p = float(depth.p)
        self._draws = draws
        self.train(depth.training)

    def forward(self, images: Tensor) -> Tensor:
        if not self.training or self.p == 0:
            return images
        return images * self._draws.kept(images, self.p, (1,) * (images.ndim - 1))


def place_draws(model: nn.Module, draws: PlacedDraws) -> None:
    """Let the dropout of a model, and what leaves out its branches, go by ``draws``."""
    for name, child in model.named_children():
        if type(child) is nn.Dropout:
            setattr(model, name, PlacedDropout(child, draws))
        elif type(child).__name__ == "StochasticDepth" and getattr(child, "mode", "") == "row":
            setattr(model, name, PlacedDepth(child, draws))
        else:
            place_draws(child, draws)
