"""A network that learns CIFAR-10 in few epochs: whitened patches, then short wide stages.

The shape is that of airbench94 (Keller Jordan, arXiv:2404.00498,
https://github.com/KellerJordan/cifar10-airbench): a 2 × 2 convolution whose fixed kernels
decorrelate the patches of the training images, then three stages of two convolutions, pooled
between the two.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from study.training.models.layers import (
    GlobalMaxPool,
    ImageShape,
    LayerFactory,
    scale_channels,
)
from study.training.recipe.model import ModelSpec

_PATCH_SIZE = 2
"""Pixels a side of the patches that are whitened."""
_WIDTHS = (64, 256, 256)
_LOGIT_SCALE = 1 / 9


class Whitening(nn.Conv2d):
    """A convolution with fixed kernels that whiten patches; only its biases are trained.

    The kernels are the principal components of the patches of the images that ``fit`` is given,
    each scaled to unit variance, with both signs.
    """

    def __init__(self, channels: int, patch_size: int) -> None:
        super().__init__(channels, 2 * channels * patch_size**2, patch_size)
        self.weight.requires_grad = False

    @torch.no_grad()
    def fit(self, images: Tensor, floor: float = 5e-4) -> None:
        """Take the kernels from ``images`` (N, C, H, W); ``floor`` is added to each variance."""
        size = self.kernel_size[0]
        # A view: (N, C, H - size + 1, W - size + 1, size, size)
        patches = images.float().unfold(2, size, 1).unfold(3, size, 1)
        patch_features = self.weight[0].numel()  # C · size · size
        flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, patch_features)  # (patches, features)
        # A dozen numbers a side: on a GPU this would start a library that takes memory for itself.
        variances, components = torch.linalg.eigh(flat.T.cov().cpu().double())
        deviations = (variances.clamp_min(0) + floor).sqrt()
        whitening = (components / deviations).T.flip(0)  # the largest variance first
        kernels = whitening.reshape(-1, *self.weight.shape[1:])  # (features, C, size, size)
        self.weight.copy_(torch.cat([kernels, -kernels]))


class _ScaledClassifier(nn.Linear):
    """A classifier without biases whose logits, and with them all gradients, are scaled down."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__(features, classes, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features) * _LOGIT_SCALE  # (N, classes)


def fit_whitening(network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Fit the whitening layers of ``network``, if any, to the first of ``batches``."""
    layers = [layer for layer in network.modules() if isinstance(layer, Whitening)]
    if layers:
        images, _ = next(iter(batches))
        for layer in layers:
            layer.fit(images)


def whitened_cnn(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build the network; 1,972,792 parameters for 10 classes and three channels."""
    factory = LayerFactory.from_spec(model)
    whitening = Whitening(image_shape[0], _PATCH_SIZE)
    channels = whitening.out_channels
    layers: list[nn.Module] = [whitening, nn.GELU()]
    for width in _WIDTHS:
        wide = scale_channels(width, model.width)
        layers += _make_stage(factory, channels, wide)
        channels = wide
    return nn.Sequential(
        *layers,
        GlobalMaxPool(),
        nn.Flatten(),
        nn.Dropout(model.dropout or 0.0),
        _ScaledClassifier(channels, classes),
    )


def _make_stage(factory: LayerFactory, channels_in: int, channels: int) -> list[nn.Module]:
    """Make conv, pool, norm and activation, conv, norm and activation; the side is halved."""
    has_bias = not factory.norm_after_conv
    first = nn.Conv2d(channels_in, channels, 3, padding=1, bias=has_bias)
    second = nn.Conv2d(channels, channels, 3, padding=1, bias=has_bias)
    for conv in (first, second):
        nn.init.dirac_(conv.weight[: conv.in_channels])  # the first channels begin as they come in
    after_first = factory.after_conv(channels, nn.GELU)
    after_second = factory.after_conv(channels, nn.GELU)
    for layer in (*after_first, *after_second):
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.requires_grad = False  # shifts are learned, scales are not
    return [first, nn.MaxPool2d(2), *after_first, second, *after_second]
