"""GoogLeNet (arXiv:1409.4842) for 32 × 32 pixels, with a stem that keeps the side.

It is as https://github.com/darkgs/DeepStudy has it; convolutions keep their bias beside a norm, as
published there. Its network without batch norm differs in more than the norm: a norm and an
activation follow *every* fully connected layer, and none stands between the two convolutions of a
branch or behind the pooling's projection. That is the variant ``fc_norm``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from study.training.models.adapters import Outputs
from study.training.models.layers import (
    Activation,
    ImageShape,
    LayerFactory,
    ResponseNorm,
    relu,
    scale_channels,
)
from study.training.recipe.model import ModelSpec

_LRN_SIZE = 16
_AUX_DROPOUT = 0.7
_AUX_CHANNELS = 128
_AUX_FEATURES = 1024
_CLASSIFIER_FEATURES = 128


class _InceptionChannels(NamedTuple):
    """The channels of each convolution of an Inception: the paper's table 1."""

    conv1: int
    reduce3: int
    conv3: int
    reduce5: int
    conv5: int
    projection: int

    @property
    def out(self) -> int:
        return self.conv1 + self.conv3 + self.conv5 + self.projection


_3A = _InceptionChannels(64, 96, 128, 16, 32, 32)
_3B = _InceptionChannels(128, 128, 192, 32, 96, 64)
_4A = _InceptionChannels(192, 96, 208, 16, 48, 64)
_4B = _InceptionChannels(160, 112, 224, 24, 64, 64)
_4C = _InceptionChannels(128, 128, 256, 24, 64, 64)
_4D = _InceptionChannels(112, 144, 288, 32, 64, 64)
_4E = _InceptionChannels(256, 160, 320, 32, 128, 128)
_5A = _InceptionChannels(256, 160, 320, 32, 128, 128)
_5B = _InceptionChannels(384, 192, 384, 48, 128, 128)


class _GoogLeNetLayers:
    """Makes the network's parts in one norm, one width and one variant."""

    def __init__(self, model: ModelSpec) -> None:
        self.factory = LayerFactory.from_spec(model)
        self.width = model.width
        self.has_fc_norm = model.variant == "fc_norm"
        self.inner_activation = None if self.has_fc_norm else relu
        """Stands between a branch's convolutions and behind the pooling's projection."""

    def scale(self, channels: int) -> int:
        return scale_channels(channels, self.width)

    def conv(
        self, channels_in: int, channels: int, kernel: int, activation: Activation | None = relu
    ) -> nn.Module:
        """Make a convolution that keeps the side."""
        return self.factory.conv(
            channels_in, channels, kernel, padding=kernel // 2, bias=True, activation=activation
        )

    def reduced_conv(self, channels_in: int, reduced: int, channels: int, kernel: int) -> nn.Module:
        """Make a 1 × 1 convolution to fewer channels and a larger one behind it."""
        return nn.Sequential(
            self.conv(channels_in, reduced, 1, self.inner_activation),
            self.conv(reduced, channels, kernel),
        )

    def inceptions(self, channels: int, *tables: _InceptionChannels) -> tuple[nn.Module, int]:
        """Make Inceptions in a row; returns them and the channels they end with."""
        blocks: list[nn.Module] = []
        for table in tables:
            scaled = _InceptionChannels(*map(self.scale, table))
            blocks.append(Inception(self, channels, scaled))
            channels = scaled.out
        return nn.Sequential(*blocks), channels

    def classifier(self, *features: int) -> nn.Module:
        """Make fully connected layers in a row, without activations between them.

        In ``fc_norm`` a norm and an activation follow each, the last too.
        """
        layers: list[nn.Module] = []
        for features_in, features_out in pairwise(features):
            layers.append(nn.Linear(features_in, features_out))
            if self.has_fc_norm:
                layers += [nn.BatchNorm1d(features_out), relu()]
        return nn.Sequential(*layers)

    def auxiliary_head(self, channels: int, sides: Sequence[int], classes: int) -> nn.Module:
        """Make a classifier of inner features: (N, ``channels``, H, W) in, of these two sides."""
        narrow = self.scale(_AUX_CHANNELS)
        height, width = ((side + 4 - 5) // 3 + 1 for side in sides)
        return nn.Sequential(
            nn.AvgPool2d(5, 3, padding=2),
            self.conv(channels, narrow, 1),
            nn.Dropout(_AUX_DROPOUT),
            nn.Flatten(),
            self.classifier(
                narrow * height * width,
                self.scale(_AUX_FEATURES),
                self.scale(_CLASSIFIER_FEATURES),
                classes,
            ),
        )


class Inception(nn.Module):
    """Four branches of 1 × 1, 3 × 3, 5 × 5 and pooled features, concatenated."""

    def __init__(
        self, layers: _GoogLeNetLayers, channels_in: int, channels: _InceptionChannels
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            [
                layers.conv(channels_in, channels.conv1, 1),
                layers.reduced_conv(channels_in, channels.reduce3, channels.conv3, 3),
                layers.reduced_conv(channels_in, channels.reduce5, channels.conv5, 5),
                nn.Sequential(
                    nn.MaxPool2d(3, 1, padding=1),
                    layers.conv(channels_in, channels.projection, 1, layers.inner_activation),
                ),
            ]
        )
        activation = relu if layers.factory.norm_after_join else None
        self.join = layers.factory.join(channels.out, activation)

    def forward(self, images: Tensor) -> Tensor:
        features = [branch(images) for branch in self.branches]  # (N, C of the branch, H, W) each
        joined: Tensor = self.join(torch.cat(features, dim=1))  # (N, C, H, W)
        return joined


class GoogLeNet(nn.Module):
    """Returns logits; in training with auxiliary heads (logits, first and second auxiliary)."""

    def __init__(self, model: ModelSpec, image_shape: ImageShape, classes: int) -> None:
        super().__init__()
        layers = _GoogLeNetLayers(model)
        first, second = layers.scale(64), layers.scale(192)
        inceptions3, channels3 = layers.inceptions(second, _3A, _3B)
        inception4a, channels4a = layers.inceptions(channels3, _4A)
        self.low = nn.Sequential(
            layers.conv(image_shape[0], first, 7),
            nn.MaxPool2d(3, 1, padding=1),
            ResponseNorm(_LRN_SIZE),
            layers.reduced_conv(first, first, second, 3),
            ResponseNorm(_LRN_SIZE),
            nn.MaxPool2d(3, 2, padding=1),
            inceptions3,
            nn.MaxPool2d(3, 1, padding=1),
            inception4a,
        )
        self.middle, channels4d = layers.inceptions(channels4a, _4B, _4C, _4D)
        inception4e, channels4e = layers.inceptions(channels4d, _4E)
        inceptions5, channels5 = layers.inceptions(channels4e, _5A, _5B)
        self.high = nn.Sequential(inception4e, nn.MaxPool2d(3, 2, padding=1), inceptions5)
        pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(model.dropout or 0.0)
        )
        classifier = layers.classifier(channels5, layers.scale(_CLASSIFIER_FEATURES), classes)
        self.head = nn.Sequential(pool, classifier)
        self.aux = nn.ModuleList()
        if model.aux_heads:
            # behind the one pooling of stride 2 in ``low``
            sides = [(side + 1) // 2 for side in image_shape[1:]]
            self.aux.append(layers.auxiliary_head(channels4a, sides, classes))
            self.aux.append(layers.auxiliary_head(channels4d, sides, classes))

    def forward(self, images: Tensor) -> Outputs:
        low = self.low(images)  # (N, C, H / 2, W / 2)
        middle = self.middle(low)  # (N, C, H / 2, W / 2)
        logits: Tensor = self.head(self.high(middle))  # (N, classes)
        if not (self.training and self.aux):
            return logits
        first_head, second_head = self.aux
        return logits, first_head(low), second_head(middle)


def googlenet(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build GoogLeNet.

    About 15.96 million parameters with batch norm and both auxiliary heads (9.84 million of it),
    for 10 classes.
    """
    return GoogLeNet(model, image_shape, classes)
