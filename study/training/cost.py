"""What an epoch of a recipe costs, as a number that depends on the recipe alone, never on a
clock.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from study.training.models import build
from study.training.optim.loss import Loss
from study.training.recipe.model import ModelSpec
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import CrossEntropy

SETS = {
    "cifar10": ((3, 32, 32), 10, 50_000, 10_000),
    "cifar100": ((3, 32, 32), 100, 50_000, 10_000),
    "mnist": ((1, 28, 28), 10, 60_000, 10_000),
    "digits": ((1, 8, 8), 10, 1437, 360),
    "synthetic": ((3, 32, 32), 10, 5000, 1000),
}
"""Image shape, classes, training and test images of the sets that are known without their files."""

_PACE = {"fp32": 1.0, "tf32": 0.5, "bf16": 0.5, "fp16": 0.5, "fp16_unscaled": 0.5}
"""The time of an operation in each precision beside one in fp32, roughly."""

UNKNOWN_COST = 1e12
"""The cost of what can't be counted: a user's own data set, or a network that doesn't run without
values.
"""

_COUNTED_IMAGES = 2
"""Batch norm trains on no fewer."""


def nominal_cost(recipe: Recipe) -> float:
    """Operations of one epoch, training and validation, weighted by the precision."""
    if recipe.data.name not in SETS:
        return UNKNOWN_COST
    shape, classes, train_images, test_images = SETS[recipe.data.name]
    side = recipe.data.image_size
    image_shape = (shape[0], side or shape[1], side or shape[2])
    try:
        forward, both = _operations(recipe.model.model_dump_json(), image_shape, classes)
    except (
        Exception
    ):  # a network of any kind, the user's own too: what fails here is judged where it is trained
        return UNKNOWN_COST
    if recipe.data.validation == "test":
        trained, validated = (
            min(train_images, recipe.data.train_images or train_images),
            test_images,
        )
        validated = min(validated, recipe.data.test_images or validated)
    else:
        images = min(train_images, recipe.data.train_images or train_images)
        validated = max(1, round(images * recipe.data.validation.fraction))
        trained = images - validated
    return (trained * both + validated * forward) * _PACE[recipe.precision]


@lru_cache(maxsize=1024)
def _operations(model: str, image_shape: tuple[int, int, int], classes: int) -> tuple[float, float]:
    """Operations per image of a forward pass, and of a forward and backward pass, counted without
    values.

    ``model`` is the recipe's section as JSON, which can be the key of a cache.
    """
    spec = ModelSpec.model_validate_json(model).model_copy(
        update={"pretrained": False, "weights": None}
    )
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        network = build(spec, image_shape, classes)
        images = torch.empty(_COUNTED_IMAGES, *image_shape)
        labels = torch.zeros(_COUNTED_IMAGES, dtype=torch.long)
        with FlopCounterMode(display=False) as counter:
            Loss(CrossEntropy(), network)(network(images), labels).total.backward()  # type: ignore[no-untyped-call]
        both = counter.get_total_flops()
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network.eval()(images)
    return counter.get_total_flops() / _COUNTED_IMAGES, both / _COUNTED_IMAGES
