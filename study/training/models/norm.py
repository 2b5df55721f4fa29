"""Norm layers: where they stand, in which order with the activation, and of which kind. All
families ask here.

Placement ``every_conv`` puts one norm layer behind each convolution (and each hidden layer of an
MLP); ``every_conv_and_block`` one more behind each join of branches: an Inception's concatenation,
a residual addition. ``none`` puts none anywhere, and gives the convolutions the bias that the norm
layers would have brought.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from study.training.recipe.model import ModelSpec

_GROUPS = 32
"""Group normalization's number of groups in its paper (arXiv:1803.08494); fewer where the channels
don't divide.
"""

Activation = Callable[[], nn.Module]


def relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def relu6() -> nn.Module:
    return nn.ReLU6(inplace=True)


@dataclass(frozen=True)
class Norms:
    on_convs: bool
    on_blocks: bool
    before_activation: bool
    kind: str

    @classmethod
    def of(cls, model: ModelSpec) -> Norms:
        some = model.norm_kind != "none"
        return cls(
            on_convs=some and model.norm != "none",
            on_blocks=some and model.norm == "every_conv_and_block",
            before_activation=model.order == "conv_norm_act",
            kind=model.norm_kind,
        )

    def layer(self, channels: int) -> nn.Module:
        """A norm layer for (N, ``channels``, H, W)."""
        if self.kind == "group":
            return nn.GroupNorm(math.gcd(_GROUPS, channels), channels)
        return nn.BatchNorm2d(channels)

    def conv(
        self,
        channels_in: int,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool | None = None,
        activation: Activation | None = relu,
    ) -> nn.Sequential:
        """A convolution with the norm and the activation behind it; ``bias`` None: only where no
        norm follows.
        """
        biased = not self.on_convs if bias is None else bias
        conv = nn.Conv2d(channels_in, channels, kernel, stride, padding, groups=groups, bias=biased)
        return nn.Sequential(conv, *self.tail(self.on_convs, channels, activation))

    def join(self, channels: int, activation: Activation | None) -> nn.Sequential:
        """What follows a join of branches; empty (the identity) without block norm and
        activation.
        """
        return nn.Sequential(*self.tail(self.on_blocks, channels, activation))

    def hidden(
        self, features_in: int, features: int, activation: Activation | None = relu
    ) -> nn.Sequential:
        """A fully connected layer that counts as a convolution of 1 × 1 pixels: (N, F) in and
        out.
        """
        norm = nn.BatchNorm1d(features) if self.kind == "batch" else self.layer(features)
        linear = nn.Linear(features_in, features, bias=not self.on_convs)
        return nn.Sequential(linear, *self.ordered([norm] if self.on_convs else [], activation))

    def tail(self, normed: bool, channels: int, activation: Activation | None) -> list[nn.Module]:
        return self.ordered([self.layer(channels)] if normed else [], activation)

    def ordered(self, norm: list[nn.Module], activation: Activation | None) -> list[nn.Module]:
        act = [activation()] if activation else []
        return [*norm, *act] if self.before_activation else [*act, *norm]


def widened(channels: int, width: float) -> int:
    """``channels`` times the width multiplier, rounded to the nearest (half up: 12.5 → 13), at
    least 1.
    """
    return max(1, math.floor(channels * width + 0.5))
