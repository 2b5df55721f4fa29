"""From a recipe's model section to a network: the family's builder, then what all share."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from study.errors import UserError
from study.training.models.adapters import add_softmax, resize_inputs
from study.training.models.layers import ImageShape
from study.training.models.timm_models import build_timm
from study.training.recipe.model import ModelSpec
from study.training.recipe.model_catalog import FAMILIES, is_timm_name
from study.training.recipe.recipe import Recipe
from study.training.runtime.failures import TrainingFailure, classify
from study.training.runtime.imports import import_function
from study.training.runtime.signatures import signature_fault

_INITIALIZERS: dict[str, Callable[..., Any]] = {
    # http://proceedings.mlr.press/v9/glorot10a.html and arXiv:1502.01852
    "glorot_uniform": nn.init.xavier_uniform_,
    "kaiming_normal": partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"),
}


def build_model(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build the network from images (N, C, H, W) to logits (N, ``classes``).

    In training with auxiliary heads it returns a tuple, the main logits first. On the meta device
    no weights are loaded. Raises UserError where the images don't fit or a user's factory doesn't
    work, and DataMissing where pretrained weights can't be had.
    """
    resized = model.resized(image_shape)
    try:
        network = _build_family(model, resized, classes)
    except ValueError as error:
        raise UserError(str(error)) from error
    _initialize(network, model.init)
    if model.name in FAMILIES:
        _set_batch_norms(network, model)
    if model.pretrained and not next(network.parameters()).is_meta:
        # it imports torchvision, which takes long
        from study.training.models.pretrained import load_pretrained

        load_pretrained(network, model)
    if resized != image_shape:
        resize_inputs(network, *resized[1:])
    if model.softmax:
        add_softmax(network)
    return network


def build_for_recipe(recipe: Recipe, image_shape: ImageShape, classes: int) -> nn.Module:
    """Build a recipe's network for images stored as ``image_shape``.

    Whatever prevents it is raised as a TrainingFailure, of class ``invalid`` where its own class is
    not known.
    """
    try:
        return build_model(recipe.model, recipe.data.input_shape(image_shape), classes)
    except Exception as error:
        failure = classify(error)
        if failure.failure_class != "error":
            raise failure from None
        # the class of an error of ours says nothing to a user; that of any other says most of it
        why = error if isinstance(error, UserError) else failure.message
        raise TrainingFailure(
            "invalid", f"the model can't be built: {why}", failure.details
        ) from None


def _build_family(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    family = FAMILIES.get(model.name)
    if is_timm_name(model.name):
        return build_timm(model.name, image_shape, classes, model.options)
    if family is None:
        return _build_users_own(model, image_shape, classes)
    _, height, width = image_shape
    if min(height, width) < family.smallest:
        raise ValueError(
            f"images must have at least {family.smallest} pixels a side for {model.name}; found "
            f"{height} × {width}; set data.image_size or model.resolution"
        )
    network: nn.Module = import_function(family.builder)(model, image_shape, classes)
    return network


def _build_users_own(model: ModelSpec, image_shape: ImageShape, classes: int) -> nn.Module:
    """Call ``factory(image_shape, classes, **options)`` of a user's own package."""
    try:
        build = import_function(model.name)
    except (ImportError, AttributeError) as error:
        raise UserError(f"model.name must be importable; found {model.name}: {error}") from error
    fault = signature_fault(build, model.name, ("image_shape", "classes"), model.options)
    if fault:
        raise UserError(f"{fault}")
    network = build(image_shape, classes, **model.options)
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{model.name} must answer a torch.nn.Module; found {type(network).__name__}"
        )
    return network


def _initialize(network: nn.Module, init: str) -> None:
    """Initialize all convolutions and fully connected layers anew, with biases of zero."""
    initializer = _INITIALIZERS.get(init)
    if initializer is None:
        return
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            initializer(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _set_batch_norms(network: nn.Module, model: ModelSpec) -> None:
    """Give all batch norms the momentum and the epsilon of the recipe."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.momentum = model.norm_momentum
            layer.eps = model.norm_eps
