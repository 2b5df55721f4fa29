"""Plain stacks: groups of convolutions, a pooling behind each group, fully connected layers on top.

VGG-16 (arXiv:1409.1556) with the head of Yuji-github/Julia-VGG-ResNet-Cifar10, LeNet and the small
networks of that repository and of denizyuret/Knet.jl differ in nothing but numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from study.training.models.norm import Norms, relu, widened
from study.training.recipe.model import ModelSpec


@dataclass(frozen=True)
class Stack:
    groups: tuple[tuple[int, ...], ...]
    dense: tuple[int, ...]
    kernel: int = 3
    padding: int = 1
    bias: bool = True
    pool_last: bool = True
    """Whether a pooling follows the last group too."""
    dense_norm: bool = False
    """Whether hidden fully connected layers are normalized like convolutions."""
    drop_input: bool = False
    """Whether dropout stands before the first fully connected layer too."""
    group_dropout: float = 0.0
    """Dropout behind each group, as a share of the recipe's."""


_VGG16 = Stack(((64, 64), (128, 128), (256,) * 3, (512,) * 3, (512,) * 3), dense=(4096, 4096))
_LENET = Stack(((20,), (50,)), dense=(500,), kernel=5, padding=0, drop_input=True)
_FLUX_ONE_STAGE = Stack(((32, 32),), dense=(64,), group_dropout=1.0)
_FLUX_THREE_STAGES = Stack(((32, 32), (64, 64), (128, 128)), dense=(516,), group_dropout=1.0)
_KNET_VGG_STYLE = Stack(((50, 50), (100, 100)), dense=(512,), group_dropout=0.5)
_KNET_BATCH_NORM = Stack(
    ((16,), (32,), (64,)), dense=(100,), bias=False, pool_last=False, dense_norm=True
)


def vgg16(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """On 32 × 32 pixels the head is 512-4096-4096-classes: 33,646,666 parameters for 10 classes
    with batch norm.
    """
    return _stacked(_VGG16, model, image_shape, classes)


def lenet(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Knet's LeNet: on 28 × 28 pixels the head is 800-500-classes: 431,080 parameters for 10
    classes.
    """
    return _stacked(_LENET, model, image_shape, classes)


def flux_cnn(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    stack = _FLUX_ONE_STAGE if model.variant == "one_stage" else _FLUX_THREE_STAGES
    return _stacked(stack, model, image_shape, classes)


def knet_cnn(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    stack = _KNET_BATCH_NORM if model.variant == "batch_norm" else _KNET_VGG_STYLE
    return _stacked(stack, model, image_shape, classes)


def _stacked(
    stack: Stack, model: ModelSpec, image_shape: tuple[int, int, int], classes: int
) -> nn.Sequential:
    norms = Norms.of(model)
    dropout = model.dropout or 0.0
    channels, height, width = image_shape
    features: list[nn.Module] = []
    bias = True if stack.bias else None
    for number, group in enumerate(stack.groups, start=1):
        for wanted in group:
            size = widened(wanted, model.width)
            features.append(
                norms.conv(channels, size, stack.kernel, padding=stack.padding, bias=bias)
            )
            channels = size
            shrink = stack.kernel - 1 - 2 * stack.padding
            height, width = height - shrink, width - shrink
        if stack.pool_last or number < len(stack.groups):
            features.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        if stack.group_dropout:
            features.append(nn.Dropout(dropout * stack.group_dropout))
    head = _dense_head(stack, norms, channels * height * width, model.width, dropout, classes)
    return nn.Sequential(*features, nn.Flatten(), *head)


def _dense_head(
    stack: Stack, norms: Norms, features: int, width: float, dropout: float, classes: int
) -> list[nn.Module]:
    head: list[nn.Module] = [nn.Dropout(dropout)] if stack.drop_input else []
    for wanted in stack.dense:
        size = widened(wanted, width)
        plain = nn.Sequential(nn.Linear(features, size), relu())
        head += [norms.hidden(features, size) if stack.dense_norm else plain, nn.Dropout(dropout)]
        features = size
    return [*head, nn.Linear(features, classes)]
