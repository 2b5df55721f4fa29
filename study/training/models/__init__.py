"""The networks, one file a family. ``build`` makes the one that a recipe names.

``study.training.recipe.model_catalog`` lists all without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from study.training.recipe.model import ModelSpec


def build(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """The network of ``model`` for images of ``image_shape`` (C, H, W); see ``factory.build``."""
    from study.training.models import factory

    return factory.build(model, image_shape, classes)
