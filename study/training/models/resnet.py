"""Residual networks (arXiv:1512.03385): ResNet-18 and -50 behind a CIFAR stem, the 6n + 2 family,
and two relatives.

``resnet18`` and ``resnet50`` are torchvision's networks with a 3 × 3 stem and no first pooling (a
test compares their outputs). They are built here because torchvision's have no width, no order of
norm and activation and no place for a norm behind the addition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from study.training.models.layers import (
    ImageShape,
    LayerFactory,
    pooled_classifier,
    relu,
    scale_channels,
)
from study.training.recipe.model import ModelSpec

_BlockBuilder = Callable[[LayerFactory, int, int, int, bool | None], nn.Module]
"""(factory, channels in, width of the block, stride, bias) -> a block."""

_BOTTLENECK_EXPANSION = 4


class ResidualBlock(nn.Module):
    """``join(branch(x) + shortcut(x))``."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, join: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.join = join

    def forward(self, images: Tensor) -> Tensor:
        joined: Tensor = self.join(self.branch(images) + self.shortcut(images))  # (N, C, H, W)
        return joined


def small_cnn(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build three stages of 16, 32 and 64 channels with ``depth`` blocks each, for one CPU."""
    blocks = model.depth or 1
    return _build(model, image_shape, classes, widths=(16, 32, 64), depths=(blocks, blocks, blocks))


def resnet18(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build ResNet-18; 11,173,962 parameters for 10 classes."""
    return _build(model, image_shape, classes, widths=(64, 128, 256, 512), depths=(2, 2, 2, 2))


def resnet50(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build ResNet-50; 23,520,842 parameters for 10 classes, 23,705,252 for 100."""
    return _build(
        model,
        image_shape,
        classes,
        widths=(64, 128, 256, 512),
        depths=(3, 4, 6, 3),
        block=_bottleneck_block,
        expansion=_BOTTLENECK_EXPANSION,
    )


def resnet_6n2(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build ResNet-20, 32, 44, 56, 110, … with projections where the width changes.

    Variant ``deepstudy`` is as https://github.com/darkgs/DeepStudy has it: biased convolutions and
    no activation behind the stem; 1,734,858 parameters at depth 110 for 10 classes.
    """
    depth = model.depth or 20
    blocks = (depth - 2) // 6
    is_deepstudy = model.variant == "deepstudy"
    return _build(
        model,
        image_shape,
        classes,
        widths=(16, 32, 64),
        depths=(blocks, blocks, blocks),
        bias=True if is_deepstudy else None,
        stem_activation=not is_deepstudy,
    )


def _build(
    model: ModelSpec,
    image_shape: ImageShape,
    classes: int,
    *,
    widths: Sequence[int],
    depths: Sequence[int],
    block: _BlockBuilder | None = None,
    expansion: int = 1,
    bias: bool | None = None,
    stem_activation: bool = True,
) -> nn.Sequential:
    """Build a 3 × 3 stem, then stages of ``depths`` blocks; each but the first halves the side."""
    factory = LayerFactory.from_spec(model)
    build_block = block or _basic_block
    scaled_widths = [scale_channels(width, model.width) for width in widths]
    channels = scaled_widths[0]
    stem = factory.conv(
        image_shape[0],
        channels,
        3,
        padding=1,
        bias=bias,
        activation=relu if stem_activation else None,
    )
    stages: list[nn.Module] = []
    for number, (width, depth) in enumerate(zip(scaled_widths, depths, strict=True)):
        blocks: list[nn.Module] = []
        for index in range(depth):
            halves_side = number > 0 and index == 0
            blocks.append(build_block(factory, channels, width, 2 if halves_side else 1, bias))
            channels = width * expansion
        stages.append(nn.Sequential(*blocks))
    return nn.Sequential(stem, *stages, *pooled_classifier(channels, classes, model.dropout or 0.0))


def _basic_block(
    factory: LayerFactory, channels_in: int, channels: int, stride: int, bias: bool | None
) -> nn.Module:
    """Build two 3 × 3 convolutions with a shortcut."""
    branch = nn.Sequential(
        factory.conv(channels_in, channels, 3, stride=stride, padding=1, bias=bias),
        factory.conv(channels, channels, 3, padding=1, bias=bias, activation=None),
    )
    shortcut = _projection(factory, channels_in, channels, stride, bias)
    return ResidualBlock(branch, shortcut, factory.join(channels, relu))


def _bottleneck_block(
    factory: LayerFactory, channels_in: int, channels: int, stride: int, bias: bool | None
) -> nn.Module:
    """Build 1 × 1, 3 × 3 (which strides), 1 × 1 to four times the channels, with a shortcut."""
    wide = channels * _BOTTLENECK_EXPANSION
    branch = nn.Sequential(
        factory.conv(channels_in, channels, 1, bias=bias),
        factory.conv(channels, channels, 3, stride=stride, padding=1, bias=bias),
        factory.conv(channels, wide, 1, bias=bias, activation=None),
    )
    shortcut = _projection(factory, channels_in, wide, stride, bias)
    return ResidualBlock(branch, shortcut, factory.join(wide, relu))


def _projection(
    factory: LayerFactory, channels_in: int, channels: int, stride: int, bias: bool | None
) -> nn.Module:
    """Build the identity where shapes agree, else a 1 × 1 convolution."""
    if stride == 1 and channels_in == channels:
        return nn.Identity()
    return factory.conv(channels_in, channels, 1, stride=stride, bias=bias, activation=None)


def resnet18_two_stage(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build what https://github.com/Yuji-github/Julia-VGG-ResNet-Cifar10 calls ResNet18.

    Stages of 64 and 128 channels, three blocks each, three 3 × 3 convolutions a block; the first
    block of a stage loses two pixels a side in its last, unpadded one and in its shortcut.
    1,853,450 parameters for 10 classes (Keras counts 3,968 running statistics on top). The Julia
    variant pads the first pooling and has no activation behind the additions; the Keras variant is
    the reverse. ``julia_fixed_shortcuts`` is what the Julia code does: its shortcuts' struct isn't
    declared a layer (``@functor``), so that Flux doesn't find their 111,168 parameters to train.
    """
    factory = LayerFactory.from_spec(model)
    is_keras = model.variant == "keras"
    narrow, wide, dense = (scale_channels(size, model.width) for size in (64, 128, 1024))
    dropout = model.dropout or 0.0

    def block(channels_in: int, channels: int, *, padding: int) -> nn.Module:
        built = _triple_block(factory, channels_in, channels, padding, is_activated=is_keras)
        if model.variant == "julia_fixed_shortcuts":
            built.shortcut.requires_grad_(False)
        return built

    return nn.Sequential(
        factory.conv(image_shape[0], narrow, 7, stride=2, bias=True),  # 32 → 13 pixels a side
        nn.MaxPool2d(3, 2, padding=0 if is_keras else 1),  # → 6 (Keras), 7 (Julia)
        block(narrow, narrow, padding=0),
        block(narrow, narrow, padding=1),
        block(narrow, narrow, padding=1),
        block(narrow, wide, padding=0),
        block(wide, wide, padding=1),
        block(wide, wide, padding=1),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),  # already 1 × 1 for images of 32 × 32
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(wide, dense),
        relu(),
        nn.Dropout(dropout),
        nn.Linear(dense, classes),
    )


def _triple_block(
    factory: LayerFactory, channels_in: int, channels: int, padding: int, *, is_activated: bool
) -> ResidualBlock:
    """Build three 3 × 3 convolutions; with ``padding`` 0 the last and the shortcut are unpadded."""
    branch = nn.Sequential(
        factory.conv(channels_in, channels, 3, padding=1, bias=True),
        factory.conv(channels, channels, 3, padding=1, bias=True),
        factory.conv(channels, channels, 3, padding=padding, bias=True, activation=None),
    )
    shortcut: nn.Module = nn.Identity()
    if not padding:
        shortcut = factory.conv(channels_in, channels, 3, bias=True, activation=None)
    join = factory.join(channels, relu if is_activated else None)
    return ResidualBlock(branch, shortcut, join)
