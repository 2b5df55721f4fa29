"""MobileNet v1 (arXiv:1704.04861): depthwise and pointwise convolutions in turn, 13 blocks.

Variant ``twelve_blocks`` is https://github.com/dfavenfre/MobileNet-Julia: one 512-channel block
fewer, and a further pointwise convolution in each block whose width is the input's times ρ (which
the paper applies to the resolution).
"""

from __future__ import annotations

from torch import nn

from study.training.models.layers import (
    ImageShape,
    LayerFactory,
    pooled_classifier,
    relu6,
    scale_channels,
)
from study.training.recipe.model import ModelSpec

_STEM_CHANNELS = 32
_THIRTEEN_BLOCKS = (
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
)
"""Channels and stride of each block: the paper's table 1."""
_TWELVE_BLOCKS = (*_THIRTEEN_BLOCKS[:6], *_THIRTEEN_BLOCKS[7:])


def mobilenet_v1(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build MobileNet v1; 4,231,976 parameters for 1,000 classes.

    ``twelve_blocks`` at width 0.1 has 71,004 for 100 classes.
    """
    factory = LayerFactory.from_spec(model)
    is_twelve_blocks = model.variant == "twelve_blocks"
    blocks = _TWELVE_BLOCKS if is_twelve_blocks else _THIRTEEN_BLOCKS

    channels = scale_channels(_STEM_CHANNELS, model.width)
    layers: list[nn.Module] = [
        factory.conv(image_shape[0], channels, 3, stride=2, padding=1, activation=relu6)
    ]
    for block_channels, stride in blocks:
        depthwise = factory.conv(
            channels, channels, 3, stride=stride, padding=1, groups=channels, activation=relu6
        )
        layers.append(depthwise)
        if is_twelve_blocks:
            hidden = scale_channels(channels, model.rho)
            layers.append(factory.conv(channels, hidden, 1, activation=relu6))
            channels = hidden
        wide = scale_channels(block_channels, model.width)
        layers.append(factory.conv(channels, wide, 1, activation=relu6))
        channels = wide
    return nn.Sequential(*layers, *pooled_classifier(channels, classes, model.dropout or 0.0))
