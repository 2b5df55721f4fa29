"""Layers with the norm that a recipe asks for: where it stands, in which order, of which kind.

Placement ``every_conv`` puts one norm layer behind each convolution (and each hidden layer of an
MLP); ``every_conv_and_block`` one more behind each join of branches: an Inception's concatenation,
a residual addition. ``none`` puts none anywhere, and gives the convolutions the bias that the norm
layers would have brought.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from study.training.recipe.model import ModelSpec

ImageShape = tuple[int, int, int]
"""Channels, height and width, in pixels."""

Activation = Callable[[], nn.Module]
"""Makes one activation layer."""

_GROUPS = 32
_FEATURES_A_GROUP = 8
"""So many features, at least, are normalized together where there are no pixels."""
"""Group normalization's number of groups (arXiv:1803.08494); fewer where the channels don't divide.
"""


def relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def relu6() -> nn.Module:
    return nn.ReLU6(inplace=True)


def scale_channels(channels: int, width: float) -> int:
    """Multiply by the width and round to the nearest (half up: 12.5 → 13), at least 1."""
    return max(1, math.floor(channels * width + 0.5))


def _must_repeat(images: Tensor) -> bool:
    """Whether an operation that a GPU doesn't repeat bit for bit must not be used."""
    return images.is_cuda and torch.are_deterministic_algorithms_enabled()


class GlobalMaxPool(nn.Module):
    """Takes each channel's largest value: (N, C, H, W) in, (N, C, 1, 1) out."""

    def forward(self, images: Tensor) -> Tensor:
        if _must_repeat(images):
            return images.amax((2, 3), keepdim=True)
        return functional.adaptive_max_pool2d(images, 1)


class ResponseNorm(nn.LocalResponseNorm):
    """Local response normalization over neighboring channels
    (https://papers.nips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html).
    """

    def forward(self, images: Tensor) -> Tensor:
        return self.summed(images) if _must_repeat(images) else super().forward(images)

    def summed(self, images: Tensor) -> Tensor:
        """Compute the same by adding up shifted channels, which every device repeats."""
        channels = images.shape[1]
        before = self.size // 2
        padding = (0, 0, 0, 0, before, self.size - 1 - before)
        squares = functional.pad(images.square(), padding)  # (N, C + size - 1, H, W)
        shifted = [squares[:, first : first + channels] for first in range(self.size)]
        mean = torch.stack(shifted).sum(0) / self.size
        return images / (self.k + self.alpha * mean) ** self.beta


@dataclass(frozen=True)
class LayerFactory:
    """Makes the layers of one network, each with its norm and its activation."""

    norm_after_conv: bool
    norm_after_join: bool
    norm_first: bool
    """Whether a norm stands in front of the activation, or else behind it."""
    norm_kind: str
    """batch | group | none"""

    @classmethod
    def from_spec(cls, model: ModelSpec) -> LayerFactory:
        """Read the norm options of a recipe's model section."""
        has_norms = model.norm_kind != "none"
        return cls(
            norm_after_conv=has_norms and model.norm != "none",
            norm_after_join=has_norms and model.norm == "every_conv_and_block",
            norm_first=model.order == "conv_norm_act",
            norm_kind=model.norm_kind,
        )

    def norm(self, channels: int) -> nn.Module:
        """Make a norm layer for (N, ``channels``, H, W)."""
        if self.norm_kind == "group":
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
        """Make a convolution with its norm and activation.

        ``bias`` None means: only where no norm follows.
        """
        has_bias = not self.norm_after_conv if bias is None else bias
        conv = nn.Conv2d(
            channels_in, channels, kernel, stride, padding, groups=groups, bias=has_bias
        )
        return nn.Sequential(conv, *self.after_conv(channels, activation))

    def linear(
        self, features_in: int, features: int, activation: Activation | None = relu
    ) -> nn.Sequential:
        """Make a fully connected layer for (N, F) that is normalized like a convolution."""
        norm: nn.Module = nn.BatchNorm1d(features)
        if self.norm_kind == "group":
            groups = math.gcd(_GROUPS, features)
            while groups > 1 and features // groups < _FEATURES_A_GROUP:
                groups //= 2  # of a group of one feature the norm is its bias, whatever the image
            norm = nn.GroupNorm(groups, features)
        linear = nn.Linear(features_in, features, bias=not self.norm_after_conv)
        norms = [norm] if self.norm_after_conv else []
        return nn.Sequential(linear, *self._in_order(norms, activation))

    def join(self, channels: int, activation: Activation | None) -> nn.Sequential:
        """Make what follows a join of branches; it may be empty, the identity."""
        norms = [self.norm(channels)] if self.norm_after_join else []
        return nn.Sequential(*self._in_order(norms, activation))

    def after_conv(self, channels: int, activation: Activation | None) -> list[nn.Module]:
        """Make the norm and the activation that follow a convolution."""
        norms = [self.norm(channels)] if self.norm_after_conv else []
        return self._in_order(norms, activation)

    def _in_order(self, norms: list[nn.Module], activation: Activation | None) -> list[nn.Module]:
        activations = [activation()] if activation else []
        return [*norms, *activations] if self.norm_first else [*activations, *norms]


def pooled_classifier(channels: int, classes: int, dropout: float) -> list[nn.Module]:
    """Make the layers from feature maps (N, ``channels``, H, W) to logits (N, ``classes``)."""
    return [
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(channels, classes),
    ]
