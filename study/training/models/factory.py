"""From a recipe's model section to a network: the family's builder, then what holds for every
network.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from study.errors import UserError
from study.training.models import ends
from study.training.recipe.model import ModelSpec
from study.training.recipe.model_catalog import FAMILIES

_INITIALIZERS: dict[str, Callable[..., Any]] = {
    "glorot_uniform": nn.init.xavier_uniform_,
    "kaiming_normal": partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"),
}


def build(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """The network for images (C, H, W): (N, C, H, W) in, logits (N, ``classes``) out.

    In training with auxiliary heads it answers a tuple, the main logits first. On the meta device
    no weights are loaded. Raises ``UserError`` where the images don't fit or a user's factory
    doesn't work, and ``DataMissing`` where pretrained weights can't be had.
    """
    channels, height, width = image_shape
    seen = (channels, _scaled(height, model.resolution), _scaled(width, model.resolution))
    try:
        network = made(model, seen, classes)
    except ValueError as error:
        raise UserError(str(error)) from error
    _initialize(network, model.init)
    if model.pretrained and not next(network.parameters()).is_meta:
        from study.training.models import pretrained  # with torchvision, which takes long to import

        pretrained.load(network, model)
    if seen != image_shape:
        ends.resize(network, *seen[1:])
    if model.softmax:
        ends.softmax(network)
    return network


def _scaled(side: int, resolution: float) -> int:
    return max(1, round(side * resolution))


def made(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    family = FAMILIES.get(model.name)
    if family is None:
        return _users_own(model, image_shape, classes)
    if min(image_shape[1:]) < family.smallest:
        raise ValueError(
            f"images must have at least {family.smallest} pixels a side for {model.name}; found "
            f"{image_shape[1]} × {image_shape[2]}; set data.image_size or model.resolution"
        )
    network: nn.Module = _imported(family.builder)(model, image_shape, classes)
    return network


def _users_own(model: ModelSpec, image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """What ``factory(image_shape, classes, **options)`` of a user's own package answers."""
    try:
        make = _imported(model.name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"model.name must be importable; found {model.name}: {error}") from error
    try:
        network = make(image_shape, classes, **model.options)
    except TypeError as error:
        raise UserError(
            f"{model.name} must take (image_shape, classes) and the options"
            f" {sorted(model.options)}; found: {error}"
        ) from error
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{model.name} must answer a torch.nn.Module; found {type(network).__name__}"
        )
    return network


def _imported(path: str) -> Callable[..., Any]:
    """The function that ``package.module:name`` names."""
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _initialize(network: nn.Module, init: str) -> None:
    """Start all convolutions and fully connected layers over in the named way, their biases at
    zero.
    """
    start = _INITIALIZERS.get(init)
    if start is None:
        return
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            start(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
