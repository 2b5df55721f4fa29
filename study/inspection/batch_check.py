"""Loads a study's images, builds its models, trains each on a batch: what a run does first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from study.training.data.datasets import DataSet, load_data_set
from study.training.data.files.faults import FaultyData
from study.training.data.loaders import make_loaders
from study.training.models.factory import build_for_recipe
from study.training.optim.accumulation import accumulate_gradients
from study.training.optim.loss import LossFunction
from study.training.optim.optimizers import make_optimizer
from study.training.optim.precision import MixedPrecision
from study.training.optim.schedules import LearningRate
from study.training.recipe.recipe import Recipe
from study.training.runtime.failures import TrainingFailure, classify
from study.training.runtime.own_parts import PART


class BatchFault(Exception):
    """``name`` of the study file is at fault: ``must`` says what must hold, ``found`` what came."""

    def __init__(self, name: str, must: str, failure: TrainingFailure) -> None:
        self.name = name
        self.must = must
        place = f" ({failure.details['place']})" if "place" in failure.details else ""
        message = failure.message.removeprefix(f"data.name: of {name} ")
        self.found = f"{message}{place}"
        super().__init__(name, must, self.found)


def check_batches(trees: Sequence[dict[str, Any]], data_dir: str | None) -> list[str]:
    """Check recipes as trees, and say in lines what there is. Raises BatchFault for the first that
    doesn't train.
    """
    lines: list[str] = []
    for tree in trees:
        recipe = Recipe.model_validate(tree)
        data = _load(recipe, data_dir)
        channels, height, width = data.image_shape
        lines.append(
            f"data {recipe.data.name}: {_counts_text(data)}, {channels} × {height} × {width},"
            f" {data.classes} classes{_fit_text(recipe)}"
        )
        lines += [f"note: {note}" for note in data.notes]
        parameters = _train_a_batch(recipe, data)
        options = "".join(f" {name}={value}" for name, value in recipe.model.options.items())
        lines.append(
            f"model {recipe.model.name}{options}: {parameters:,} parameters, trained on one batch"
        )
    return list(dict.fromkeys(lines))


def _counts_text(data: DataSet) -> str:
    """Return how many images each part has; a test set that isn't there is named, too."""
    trained, tested = f"{len(data.train_labels):,} training", f"{len(data.test_labels):,} test"
    given = data.validation_labels
    between = "" if given is None else f", {len(given):,} validation"
    return f"{trained}{between} and {tested} images"


def _fit_text(recipe: Recipe) -> str:
    return ", the middle of each image" if recipe.data.fit == "crop" else ""


def _load(recipe: Recipe, data_dir: str | None) -> DataSet:
    try:
        return load_data_set(recipe.data, data_dir)
    except FaultyData as error:
        fault = error.faults[0]
        accepted = f"; accepted {fault.accepted}" if fault.accepted else ""
        found = TrainingFailure(error.failure_class, f"{fault.found}{accepted}", {})
        raise BatchFault(str(fault.path[0]), fault.must, found) from None
    except Exception as error:
        raise BatchFault(recipe.data.name, "must give its images", classify(error)) from None


def _train_a_batch(recipe: Recipe, data: DataSet) -> int:
    """Train on one batch as a trial would; return how many parameters there are."""
    device = torch.device("cpu")
    try:
        model = build_for_recipe(recipe, data.image_shape, data.classes)
    except Exception as error:
        raise BatchFault(recipe.model.name, "must give a network", classify(error)) from None
    try:
        loaders = make_loaders(recipe, data, device)
        images, labels = next(iter(loaders.train.epoch(1)))
        losses = accumulate_gradients(
            model.train(),
            LossFunction(recipe.loss, model),
            MixedPrecision(recipe.precision, device),
            images,
            labels,
            recipe.micro_batch_size,
        )
        make_optimizer(recipe.optimizer, model)
        LearningRate(recipe, len(loaders.train)).factor(0)
        wanted = (len(labels), data.classes)
        if tuple(losses.logits.shape) != wanted:
            shape = tuple(losses.logits.shape)
            raise TrainingFailure("invalid", f"logits of {shape} instead of {wanted}", {})
    except Exception as error:
        failure = classify(error)
        part = str(failure.details.get(PART, recipe.model.name))
        raise BatchFault(part, "must train on a batch", failure) from None
    return sum(parameter.numel() for parameter in model.parameters())
