"""A network made to learn CIFAR-10 in few epochs: whitened patches in front, short wide stages
behind.

The shape is that of airbench94 (Keller Jordan, arXiv:2404.00498): a 2 × 2 convolution whose fixed
kernels decorrelate the patches of the training images, then three stages of two convolutions,
pooled between the two.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from study.training.models.norm import Norms, widened
from study.training.recipe.model import ModelSpec

_SIDE = 2
"""Pixels a side of the patches that are whitened."""
_WIDTHS = (64, 256, 256)
_LOGIT_SCALE = 1 / 9


class Whitening(nn.Conv2d):
    """A convolution with fixed kernels: the principal components of patches, each scaled to unit
    variance, with both signs. They are those of the images that ``look`` is shown; only the biases
    are trained.
    """

    def __init__(self, channels: int, side: int) -> None:
        super().__init__(channels, 2 * channels * side**2, side)
        self.weight.requires_grad = False

    @torch.no_grad()
    def look(self, images: Tensor, floor: float = 5e-4) -> None:
        """Take the kernels from ``images`` (N, C, H, W); ``floor`` is added to each variance."""
        side = self.kernel_size[0]
        patches = (
            images.float().unfold(2, side, 1).unfold(3, side, 1)
        )  # a view, (N, C, H', W', side, side)
        flat = patches.permute(0, 2, 3, 1, 4, 5).reshape(-1, self.weight[0].numel())
        variances, components = torch.linalg.eigh(flat.T.cov().double())
        kernels = (
            (components / (variances.clamp_min(0) + floor).sqrt())
            .T.flip(0)
            .reshape(-1, *self.weight.shape[1:])
        )
        self.weight.copy_(torch.cat([kernels, -kernels]))


class Scaled(nn.Linear):
    """A classifier without biases whose logits, and with them all gradients, are scaled by
    LOGIT_SCALE.
    """

    def __init__(self, features: int, classes: int) -> None:
        super().__init__(features, classes, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features) * _LOGIT_SCALE


def start_from_images(network: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
    """Show the whitening layers of ``network`` the first batch that it will train on."""
    if layers := [layer for layer in network.modules() if isinstance(layer, Whitening)]:
        images, _ = next(iter(batches))
        for layer in layers:
            layer.look(images)


def whitened_cnn(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """1,972,792 parameters for 10 classes and three channels."""
    norms = Norms.of(model)
    whitening = Whitening(image_shape[0], _SIDE)
    channels, layers = whitening.out_channels, list[nn.Module]()
    for wanted in _WIDTHS:
        size = widened(wanted, model.width)
        layers += _stage(norms, channels, size)
        channels = size
    head = (
        nn.AdaptiveMaxPool2d(1),
        nn.Flatten(),
        nn.Dropout(model.dropout or 0.0),
        Scaled(channels, classes),
    )
    return nn.Sequential(whitening, nn.GELU(), *layers, *head)


def _stage(norms: Norms, channels_in: int, channels: int) -> list[nn.Module]:
    biased = not norms.on_convs
    first, second = (
        nn.Conv2d(size, channels, 3, padding=1, bias=biased) for size in (channels_in, channels)
    )
    for conv in (first, second):
        nn.init.dirac_(conv.weight[: conv.in_channels])  # the first channels begin as they come in
    tails = [norms.tail(norms.on_convs, channels, nn.GELU) for _ in range(2)]
    for layer in (layer for tail in tails for layer in tail if isinstance(layer, nn.BatchNorm2d)):
        layer.weight.requires_grad = False  # shifts are learned, scales are not
    return [first, nn.MaxPool2d(2), *tails[0], second, *tails[1]]
