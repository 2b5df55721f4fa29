"""The multilayer perceptron of the Knet tutorial (https://github.com/denizyuret/Knet.jl).

Pixels, ``depth`` hidden layers of 64 × ``width``, classes. Dropout stands before each layer, the
pixels' included, as there. Variant ``linear`` has no activation at all: linear layers in a row.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import nn

from study.training.models.layers import ImageShape, LayerFactory, relu, scale_channels
from study.training.recipe.model import ModelSpec

_HIDDEN_FEATURES = 64


def mlp(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build the MLP; on MNIST 784-64-10, with 50,890 parameters."""
    factory = LayerFactory.from_spec(model)
    activation = None if model.variant == "linear" else relu
    dropout = model.dropout or 0.0
    hidden = scale_channels(_HIDDEN_FEATURES, model.width)
    features = [math.prod(image_shape), *[hidden] * (model.depth or 1)]
    layers: list[nn.Module] = [nn.Flatten()]  # (N, C, H, W) -> (N, C · H · W)
    for features_in, features_out in pairwise(features):
        layers.append(nn.Dropout(dropout))
        layers.append(factory.linear(features_in, features_out, activation))
    layers.append(nn.Dropout(dropout))
    layers.append(nn.Linear(features[-1], classes))
    return nn.Sequential(*layers)
