"""The multilayer perceptron of the Knet tutorial: pixels, ``depth`` hidden layers of 64 ×
``width``, classes.

Dropout stands before each layer, the pixels' included, as there. Variant ``linear`` has no
activation at all: two linear layers in a row.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import nn

from study.training.models.norm import Norms, relu, widened
from study.training.recipe.model import ModelSpec

_HIDDEN = 64


def mlp(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """784-64-10 on MNIST: 50,890 parameters."""
    norms = Norms.of(model)
    size = widened(_HIDDEN, model.width)
    sizes = [math.prod(image_shape), *[size] * (model.depth or 1)]
    activation = None if model.variant == "linear" else relu
    layers: list[nn.Module] = [nn.Flatten()]
    for features_in, features in pairwise(sizes):
        layers += [
            nn.Dropout(model.dropout or 0.0),
            norms.hidden(features_in, features, activation),
        ]
    return nn.Sequential(*layers, nn.Dropout(model.dropout or 0.0), nn.Linear(sizes[-1], classes))
