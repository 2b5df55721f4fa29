"""GoogLeNet (arXiv:1409.4842) for 32 × 32 pixels, as darkgs/DeepStudy has it, with a stem that
keeps the side.

Convolutions keep their bias beside a norm, as published there. Its network without batch norm
differs in more than the norm: a norm and an activation follow *every* fully connected layer, and
none stands between the two convolutions of a branch or behind the pooling's projection. That is the
variant ``fc_norm``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from study.training.models.norm import Norms, relu, widened
from study.training.recipe.model import ModelSpec

Outputs = Tensor | tuple[Tensor, ...]

_LRN_SIZE = 16
_AUX_DROPOUT = 0.7
_AUX_CHANNELS = 128
_AUX_FEATURES = 1024
_HEAD_FEATURES = 128

# The channels of each Inception: 1 × 1, reduced and 3 × 3, reduced and 5 × 5, projection (the
# paper's table 1).
A3, B3 = (64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)
A4, B4, C4 = (192, 96, 208, 16, 48, 64), (160, 112, 224, 24, 64, 64), (128, 128, 256, 24, 64, 64)
D4, E4 = (112, 144, 288, 32, 64, 64), (256, 160, 320, 32, 128, 128)
A5, B5 = (256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)


class Maker:
    """The network's parts in one norm, one width and one variant."""

    def __init__(self, model: ModelSpec) -> None:
        self.norms = Norms.of(model)
        self.width = model.width
        self.fc_norm = model.variant == "fc_norm"
        self.inner = None if self.fc_norm else relu
        """The activation between a branch's convolutions and behind the pooling's projection."""

    def size(self, channels: int) -> int:
        return widened(channels, self.width)

    def conv(
        self,
        channels_in: int,
        channels: int,
        kernel: int,
        activation: Callable[[], nn.Module] | None = relu,
    ) -> nn.Module:
        return self.norms.conv(
            channels_in, channels, kernel, padding=kernel // 2, bias=True, activation=activation
        )

    def reduced(self, channels_in: int, narrow: int, channels: int, kernel: int) -> nn.Module:
        return nn.Sequential(
            self.conv(channels_in, narrow, 1, self.inner), self.conv(narrow, channels, kernel)
        )

    def inceptions(self, channels: int, *tables: tuple[int, ...]) -> tuple[nn.Module, int]:
        """Inceptions in a row, and the channels they end with."""
        blocks = []
        for table in tables:
            blocks.append(Inception(self, channels, [self.size(wanted) for wanted in table]))
            channels = blocks[-1].channels
        return nn.Sequential(*blocks), channels

    def classifier(self, *features: int) -> nn.Module:
        """Fully connected layers, linear in a row; in ``fc_norm`` each with a norm and an
        activation, the last too.
        """
        layers: list[nn.Module] = []
        for features_in, size in pairwise(features):
            layers.append(nn.Linear(features_in, size))
            layers += [nn.BatchNorm1d(size), relu()] if self.fc_norm else []
        return nn.Sequential(*layers)

    def auxiliary(self, channels: int, side: int, classes: int) -> nn.Module:
        """A classifier on the features in the middle: (N, ``channels``, ``side``, ``side``) to (N,
        ``classes``).
        """
        narrow, pooled = self.size(_AUX_CHANNELS), (side + 4 - 5) // 3 + 1
        return nn.Sequential(
            nn.AvgPool2d(5, 3, padding=2),
            self.conv(channels, narrow, 1),
            nn.Dropout(_AUX_DROPOUT),
            nn.Flatten(),
            self.classifier(
                narrow * pooled**2, self.size(_AUX_FEATURES), self.size(_HEAD_FEATURES), classes
            ),
        )


class Inception(nn.Module):
    def __init__(self, maker: Maker, channels_in: int, sizes: list[int]) -> None:
        super().__init__()
        one, narrow3, three, narrow5, five, projected = sizes
        self.branches = nn.ModuleList(
            [
                maker.conv(channels_in, one, 1),
                maker.reduced(channels_in, narrow3, three, 3),
                maker.reduced(channels_in, narrow5, five, 5),
                nn.Sequential(
                    nn.MaxPool2d(3, 1, padding=1),
                    maker.conv(channels_in, projected, 1, maker.inner),
                ),
            ]
        )
        self.channels = one + three + five + projected
        self.join = maker.norms.join(self.channels, relu if maker.norms.on_blocks else None)

    def forward(self, images: Tensor) -> Tensor:
        joined: Tensor = self.join(torch.cat([branch(images) for branch in self.branches], dim=1))
        return joined


class GoogLeNet(nn.Module):
    """Logits; in training with auxiliary heads (logits, first auxiliary, second auxiliary)."""

    def __init__(
        self, maker: Maker, image_shape: tuple[int, int, int], classes: int, model: ModelSpec
    ) -> None:
        super().__init__()
        first, second = maker.size(64), maker.size(192)
        blocks3, channels3 = maker.inceptions(second, A3, B3)
        blocks4a, channels4a = maker.inceptions(channels3, A4)
        self.low = nn.Sequential(
            maker.conv(image_shape[0], first, 7),
            nn.MaxPool2d(3, 1, padding=1),
            nn.LocalResponseNorm(_LRN_SIZE),
            maker.reduced(first, first, second, 3),
            nn.LocalResponseNorm(_LRN_SIZE),
            nn.MaxPool2d(3, 2, padding=1),
            blocks3,
            nn.MaxPool2d(3, 1, padding=1),
            blocks4a,
        )
        self.middle, channels4d = maker.inceptions(channels4a, B4, C4, D4)
        blocks4e, channels4e = maker.inceptions(channels4d, E4)
        blocks5, channels5 = maker.inceptions(channels4e, A5, B5)
        self.high = nn.Sequential(blocks4e, nn.MaxPool2d(3, 2, padding=1), blocks5)
        pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(model.dropout or 0.0)
        )
        self.head = nn.Sequential(
            pool, maker.classifier(channels5, maker.size(_HEAD_FEATURES), classes)
        )
        side = (image_shape[1] + 1) // 2
        places = (channels4a, channels4d) if model.aux_heads else ()
        self.aux = nn.ModuleList(maker.auxiliary(channels, side, classes) for channels in places)

    def forward(self, images: Tensor) -> Outputs:
        low = self.low(images)
        middle = self.middle(low)
        logits: Tensor = self.head(self.high(middle))
        if not (self.training and self.aux):
            return logits
        return (
            logits,
            *(head(features) for head, features in zip(self.aux, (low, middle), strict=True)),
        )


def googlenet(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """About 15.96 million parameters with batch norm and both auxiliary heads (9.84 million of it),
    for 10 classes.
    """
    return GoogLeNet(Maker(model), image_shape, classes, model)
