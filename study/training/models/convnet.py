"""Plain convolutional networks: groups of convolutions with a pooling behind each, then fully
connected layers.

VGG-16 (arXiv:1409.1556) with the head of https://github.com/Yuji-github/Julia-VGG-ResNet-Cifar10,
LeNet, and the small networks of that repository and of https://github.com/denizyuret/Knet.jl differ
in nothing but numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from study.training.models.layers import ImageShape, LayerFactory, relu, scale_channels
from study.training.recipe.model import ModelSpec


@dataclass(frozen=True)
class _Architecture:
    """The numbers of one plain network."""

    groups: tuple[tuple[int, ...], ...]
    """Channels of each convolution of each group."""
    dense: tuple[int, ...]
    """Features of each hidden fully connected layer."""
    kernel: int = 3
    padding: int = 1
    conv_bias: bool = True
    """False: a convolution has a bias only where no norm follows."""
    pool_last: bool = True
    """Whether a pooling follows the last group too."""
    dense_norm: bool = False
    """Whether hidden fully connected layers are normalized like convolutions."""
    dropout_before_dense: bool = False
    """Whether dropout stands before the first fully connected layer too."""
    group_dropout: float = 0.0
    """Dropout behind each group, as a share of the recipe's."""


_VGG16 = _Architecture(
    groups=((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
    dense=(4096, 4096),
)
_LENET = _Architecture(
    groups=((20,), (50,)), dense=(500,), kernel=5, padding=0, dropout_before_dense=True
)
_FLUX_ONE_STAGE = _Architecture(groups=((32, 32),), dense=(64,), group_dropout=1.0)
_FLUX_THREE_STAGES = _Architecture(
    groups=((32, 32), (64, 64), (128, 128)), dense=(516,), group_dropout=1.0
)
_KNET_VGG_STYLE = _Architecture(groups=((50, 50), (100, 100)), dense=(512,), group_dropout=0.5)
_KNET_BATCH_NORM = _Architecture(
    groups=((16,), (32,), (64,)),
    dense=(100,),
    conv_bias=False,
    pool_last=False,
    dense_norm=True,
)


def vgg16(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build VGG-16; on 32 × 32 pixels its head is 512-4096-4096-classes.

    33,646,666 parameters for 10 classes with batch norm.
    """
    return _build(_VGG16, model, image_shape, classes)


def lenet(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build Knet's LeNet; on 28 × 28 pixels its head is 800-500-classes.

    431,080 parameters for 10 classes.
    """
    return _build(_LENET, model, image_shape, classes)


def flux_cnn(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build one of the two small networks that Julia-VGG-ResNet-Cifar10 trains with Flux."""
    is_one_stage = model.variant == "one_stage"
    architecture = _FLUX_ONE_STAGE if is_one_stage else _FLUX_THREE_STAGES
    return _build(architecture, model, image_shape, classes)


def knet_cnn(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build one of Knet's two small networks for CIFAR-10."""
    is_batch_norm = model.variant == "batch_norm"
    architecture = _KNET_BATCH_NORM if is_batch_norm else _KNET_VGG_STYLE
    return _build(architecture, model, image_shape, classes)


def _build(
    architecture: _Architecture, model: ModelSpec, image_shape: ImageShape, classes: int
) -> nn.Sequential:
    factory = LayerFactory.from_spec(model)
    dropout = model.dropout or 0.0
    kernel, padding = architecture.kernel, architecture.padding
    bias = True if architecture.conv_bias else None
    channels, height, width = image_shape
    lost_pixels = kernel - 1 - 2 * padding  # a side, in each convolution
    layers: list[nn.Module] = []
    for number, group in enumerate(architecture.groups, start=1):
        for unscaled in group:
            wide = scale_channels(unscaled, model.width)
            layers.append(factory.conv(channels, wide, kernel, padding=padding, bias=bias))
            channels = wide
            height, width = height - lost_pixels, width - lost_pixels
        is_last = number == len(architecture.groups)
        if architecture.pool_last or not is_last:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        if architecture.group_dropout:
            layers.append(nn.Dropout(dropout * architecture.group_dropout))
    layers.append(nn.Flatten())
    features = channels * height * width

    if architecture.dropout_before_dense:
        layers.append(nn.Dropout(dropout))
    for unscaled in architecture.dense:
        wide = scale_channels(unscaled, model.width)
        # Made also where it isn't used: it draws from the generator that later layers start from,
        # and a seed must go on giving the same network.
        plain = nn.Sequential(nn.Linear(features, wide), relu())
        layers.append(factory.linear(features, wide) if architecture.dense_norm else plain)
        layers.append(nn.Dropout(dropout))
        features = wide
    layers.append(nn.Linear(features, classes))
    return nn.Sequential(*layers)
