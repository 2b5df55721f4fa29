"""MobileNet v1 (arXiv:1704.04861): depthwise and pointwise convolutions in turn, 13 blocks.

Variant ``twelve_blocks`` is dfavenfre/MobileNet-Julia: one 512-channel block fewer, and a further
pointwise convolution in each block whose width is the input's times ρ (which the paper applies to
the resolution).
"""

from __future__ import annotations

from torch import nn

from study.training.models.norm import Norms, relu6, widened
from study.training.recipe.model import ModelSpec

_STEM = 32
_THIRTEEN = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    *[(512, 1)] * 5,
    (1024, 2),
    (1024, 1),
)
"""(channels, stride) of each block: the paper's table 1."""
_TWELVE = (*_THIRTEEN[:6], *_THIRTEEN[7:])


def mobilenet_v1(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """4,231,976 parameters for 1,000 classes; ``twelve_blocks`` at width 0.1: 71,004 for 100
    classes.
    """
    norms = Norms.of(model)
    published = model.variant == "twelve_blocks"
    channels = widened(_STEM, model.width)
    layers: list[nn.Module] = [
        norms.conv(image_shape[0], channels, 3, stride=2, padding=1, activation=relu6)
    ]
    for wanted, stride in _TWELVE if published else _THIRTEEN:
        size = widened(wanted, model.width)
        layers.append(
            norms.conv(
                channels, channels, 3, stride=stride, padding=1, groups=channels, activation=relu6
            )
        )
        if published:
            hidden = widened(channels, model.rho)
            layers.append(norms.conv(channels, hidden, 1, activation=relu6))
            channels = hidden
        layers.append(norms.conv(channels, size, 1, activation=relu6))
        channels = size
    head = (
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(model.dropout or 0.0),
        nn.Linear(channels, classes),
    )
    return nn.Sequential(*layers, *head)
