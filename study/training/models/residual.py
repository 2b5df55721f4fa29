"""Residual networks (arXiv:1512.03385): ResNet-18 and -50 behind a CIFAR stem, the 6n + 2 family,
two relatives.

``resnet18`` and ``resnet50`` are torchvision's networks with a 3 × 3 stem and no first pooling (a
test compares their outputs). They are built here because torchvision's have no width, no order of
norm and activation and no place for a norm behind the addition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from study.training.models.norm import Norms, relu, widened
from study.training.recipe.model import ModelSpec

Block = Callable[[Norms, int, int, int, bool | None], nn.Module]
"""(norms, channels in, width of the block, stride, bias) -> a block."""

_BOTTLENECK_EXPANSION = 4


class Residual(nn.Module):
    """``join(branch(x) + shortcut(x))``."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, join: nn.Module) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut = shortcut
        self.join = join

    def forward(self, images: Tensor) -> Tensor:
        joined: Tensor = self.join(self.branch(images) + self.shortcut(images))
        return joined


def _basic(
    norms: Norms, channels_in: int, channels: int, stride: int, bias: bool | None
) -> nn.Module:
    """Two 3 × 3 convolutions."""
    branch = nn.Sequential(
        norms.conv(channels_in, channels, 3, stride=stride, padding=1, bias=bias),
        norms.conv(channels, channels, 3, padding=1, bias=bias, activation=None),
    )
    return Residual(
        branch, _projection(norms, channels_in, channels, stride, bias), norms.join(channels, relu)
    )


def _bottleneck(
    norms: Norms, channels_in: int, channels: int, stride: int, bias: bool | None
) -> nn.Module:
    """1 × 1, 3 × 3 (which strides), 1 × 1 to four times the channels."""
    wide = channels * _BOTTLENECK_EXPANSION
    branch = nn.Sequential(
        norms.conv(channels_in, channels, 1, bias=bias),
        norms.conv(channels, channels, 3, stride=stride, padding=1, bias=bias),
        norms.conv(channels, wide, 1, bias=bias, activation=None),
    )
    return Residual(
        branch, _projection(norms, channels_in, wide, stride, bias), norms.join(wide, relu)
    )


def _projection(
    norms: Norms, channels_in: int, channels: int, stride: int, bias: bool | None
) -> nn.Module:
    """The identity where shapes agree, else a 1 × 1 convolution."""
    if stride == 1 and channels_in == channels:
        return nn.Identity()
    return norms.conv(channels_in, channels, 1, stride=stride, bias=bias, activation=None)


def _resnet(
    model: ModelSpec,
    image_shape: tuple[int, int, int],
    classes: int,
    *,
    widths: Sequence[int],
    depths: Sequence[int],
    block: Block = _basic,
    expansion: int = 1,
    bias: bool | None = None,
    stem_activation: bool = True,
) -> nn.Sequential:
    """A 3 × 3 stem, then stages of ``depths`` blocks; each stage but the first halves the side."""
    norms = Norms.of(model)
    sizes = [widened(width, model.width) for width in widths]
    stem = norms.conv(
        image_shape[0],
        sizes[0],
        3,
        padding=1,
        bias=bias,
        activation=relu if stem_activation else None,
    )
    channels = sizes[0]
    stages: list[nn.Module] = []
    for number, (size, depth) in enumerate(zip(sizes, depths, strict=True)):
        blocks = []
        for index in range(depth):
            stride = 2 if number > 0 and index == 0 else 1
            blocks.append(block(norms, channels, size, stride, bias))
            channels = size * expansion
        stages.append(nn.Sequential(*blocks))
    head = (
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(model.dropout or 0.0),
        nn.Linear(channels, classes),
    )
    return nn.Sequential(stem, *stages, *head)


def small_cnn(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Three stages of 16, 32 and 64 channels with ``depth`` blocks each: small enough for one
    CPU.
    """
    return _resnet(model, image_shape, classes, widths=(16, 32, 64), depths=(model.depth or 1,) * 3)


def resnet18(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """11,173,962 parameters for 10 classes."""
    return _resnet(model, image_shape, classes, widths=(64, 128, 256, 512), depths=(2, 2, 2, 2))


def resnet50(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """23,520,842 parameters for 10 classes, 23,705,252 for 100."""
    return _resnet(
        model,
        image_shape,
        classes,
        widths=(64, 128, 256, 512),
        depths=(3, 4, 6, 3),
        block=_bottleneck,
        expansion=_BOTTLENECK_EXPANSION,
    )


def resnet_6n2(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """ResNet-20, 32, 44, 56, 110, … with projections where the width changes.

    Variant ``deepstudy`` is as darkgs/DeepStudy has it: biased convolutions and no activation
    behind the stem; 1,734,858 parameters at depth 110 for 10 classes.
    """
    depth = model.depth or 20
    published = model.variant == "deepstudy"
    return _resnet(
        model,
        image_shape,
        classes,
        widths=(16, 32, 64),
        depths=((depth - 2) // 6,) * 3,
        bias=True if published else None,
        stem_activation=not published,
    )


def resnet18_two_stage(
    model: ModelSpec, image_shape: tuple[int, int, int], classes: int
) -> nn.Module:
    """What Yuji-github/Julia-VGG-ResNet-Cifar10 calls ResNet18: stages of 64 and 128 channels,
    three blocks each.

    Three 3 × 3 convolutions a block; the first block of a stage loses two pixels a side in its
    last, unpadded one and in its shortcut. 1,853,450 parameters for 10 classes (Keras counts 3,968
    running statistics on top). The Julia variant pads the first pooling and has no activation
    behind the additions; the Keras variant is the reverse.
    """
    norms = Norms.of(model)
    keras = model.variant == "keras"
    narrow, wide, dense = (widened(size, model.width) for size in (64, 128, 1024))
    drop = model.dropout or 0.0
    return nn.Sequential(
        norms.conv(image_shape[0], narrow, 7, stride=2, bias=True),  # 32 → 13
        nn.MaxPool2d(3, 2, padding=0 if keras else 1),  # → 6 (Keras), 7 (Julia)
        *(_triple(norms, narrow, narrow, padding, keras) for padding in (0, 1, 1)),
        _triple(norms, narrow, wide, 0, keras),
        *(_triple(norms, wide, wide, 1, keras) for _ in range(2)),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),  # already 1 × 1 for images of 32 × 32
        nn.Flatten(),
        nn.Dropout(drop),
        nn.Linear(wide, dense),
        relu(),
        nn.Dropout(drop),
        nn.Linear(dense, classes),
    )


def _triple(
    norms: Norms, channels_in: int, channels: int, padding: int, activated: bool
) -> nn.Module:
    """Three 3 × 3 convolutions; with ``padding`` 0 the last and the shortcut are unpadded."""
    branch = nn.Sequential(
        norms.conv(channels_in, channels, 3, padding=1, bias=True),
        norms.conv(channels, channels, 3, padding=1, bias=True),
        norms.conv(channels, channels, 3, padding=padding, bias=True, activation=None),
    )
    shortcut = (
        nn.Identity()
        if padding
        else norms.conv(channels_in, channels, 3, bias=True, activation=None)
    )
    return Residual(branch, shortcut, norms.join(channels, relu if activated else None))
