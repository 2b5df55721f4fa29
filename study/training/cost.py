"""What an epoch of a recipe costs: a number that depends on the recipe alone, never on a clock."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from study.training.models.factory import build_model
from study.training.optim.loss import LossFunction
from study.training.recipe.data_catalog import DATA_SETS, DataSetInfo
from study.training.recipe.model import ModelSpec
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import CrossEntropy, Data

UNKNOWN_COST = 1e12
"""The cost of what can't be counted: a user's own data set, or a network that fails without values.
"""

_RELATIVE_TIME = {"fp32": 1.0, "tf32": 0.5, "bf16": 0.5, "fp16": 0.5, "fp16_unscaled": 0.5}
"""Roughly how long an operation takes in each precision, beside one in fp32."""

_COUNTED_IMAGES = 2
"""Batch norm trains on no fewer."""


def nominal_cost(recipe: Recipe) -> float:
    """Return the operations of one epoch, training and validation, weighted by the precision."""
    data = DATA_SETS.get(recipe.data.name)
    if data is None:
        return UNKNOWN_COST
    model_json = recipe.model.model_dump_json()
    image_shape = recipe.data.input_shape(data.image_shape)
    try:
        forward, forward_and_backward = _operations(model_json, image_shape, data.classes)
    except Exception:  # any network, the user's own too: a faulty one fails where it is trained
        return UNKNOWN_COST
    trained, validated = _image_counts(recipe.data, data)
    operations = trained * forward_and_backward + validated * forward
    return operations * _RELATIVE_TIME[recipe.precision]


def _image_counts(spec: Data, data: DataSetInfo) -> tuple[int, int]:
    """Return how many images train and how many validate in an epoch."""
    images = min(data.train_images, spec.train_images or data.train_images)
    if spec.validation == "test":
        return images, min(data.test_images, spec.test_images or data.test_images)
    validated = max(1, round(images * spec.validation.fraction))
    return images - validated, validated


@lru_cache(maxsize=1024)
def _operations(
    model_json: str, image_shape: tuple[int, int, int], classes: int
) -> tuple[float, float]:
    """Count the operations per image of a forward pass, and of a forward and backward pass.

    The network runs on the meta device, so nothing is computed. ``model_json`` is the recipe's
    section as JSON, which can be the key of a cache.
    """
    without_weights = {"pretrained": False, "weights": None}
    spec = ModelSpec.model_validate_json(model_json).model_copy(update=without_weights)
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        network = build_model(spec, image_shape, classes)
        loss_function = LossFunction(CrossEntropy(), network)
        images = torch.empty(_COUNTED_IMAGES, *image_shape)  # (B, C, H, W)
        labels = torch.zeros(_COUNTED_IMAGES, dtype=torch.long)  # (B,)
        with FlopCounterMode(display=False) as training:
            loss = loss_function(network(images), labels).total
            loss.backward()  # type: ignore[no-untyped-call]
        with FlopCounterMode(display=False) as inference, torch.no_grad():
            network.eval()(images)
    return (
        inference.get_total_flops() / _COUNTED_IMAGES,
        training.get_total_flops() / _COUNTED_IMAGES,
    )
