"""The models of timm, where it is installed: https://github.com/huggingface/pytorch-image-models."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from search_spaces.validation import Fault, closest_match, describe
from study.errors import UserError
from study.training.models.layers import ImageShape
from study.training.recipe.model_catalog import TIMM

_PRETRAINED = "pretrained"


def build_timm(
    name: str, image_shape: ImageShape, classes: int, options: Mapping[str, Any]
) -> nn.Module:
    """Make the model ``timm:NAME`` by ``timm.create_model`` with these options.

    On the meta device no pretrained weights are loaded. Raises UserError where timm or the model
    isn't there.
    """
    fault = timm_fault(name)
    if fault:
        raise UserError(str(fault))
    if torch.empty(0).is_meta:
        options = {key: value for key, value in options.items() if key != _PRETRAINED}
    network: nn.Module = _timm().create_model(
        name.partition(":")[2], num_classes=classes, in_chans=image_shape[0], **options
    )
    return network


def timm_fault(name: str) -> Fault | None:
    """Return what is wrong with a name ``timm:NAME``; None where timm has that model."""
    path = ("model",)
    if importlib.util.find_spec(TIMM) is None:
        accepted = "pip install 'ray-study[timm]'"
        return Fault(path, f"must find timm installed for {name}", "no package timm", accepted)
    model = name.partition(":")[2]
    if _timm().is_model(model):
        return None
    nearest = closest_match(model, _timm().list_models())
    must = "must name a model of timm's"
    return Fault(path, must, describe(name), "timm.list_models()", nearest and f"{TIMM}:{nearest}")


def _timm() -> Any:
    importlib.import_module("study.training.runtime.torchvision")  # which timm imports
    return importlib.import_module(TIMM)
