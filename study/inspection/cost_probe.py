"""What a point costs in time and memory, from a few steps of each shape of model and batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.training.recipe.recipe import Recipe, merge, parse_recipe

if TYPE_CHECKING:
    from study.training.data.datasets import DataSet

_STEPS = 6
"""Updates in each of two short epochs, of which the second is measured."""
_MOST_SHAPES = 12

Shape = tuple[object, ...]
"""What time and memory of a step depend on; recipes of one shape cost the same."""


@dataclass(frozen=True)
class Cost:
    """What one shape costs; figures are None where its few steps already failed."""

    shape: str
    train_images_per_second: float | None = None
    eval_images_per_second: float | None = None
    epoch_seconds: float | None = None
    memory_bytes: int | None = None
    failure: str = ""


CostsByShape = dict[Shape, Cost]


def shape_of(recipe: Recipe) -> Shape:
    """Return what time and memory of a step depend on."""
    data = recipe.data.model_dump_json(exclude={"validation", "eval_batch_size", "test_images"})
    return (
        recipe.model.model_dump_json(),
        data,
        recipe.accumulation,
        recipe.precision,
        recipe.optimizer.name,
        recipe.execution.model_dump_json(),
    )


def _shape_text(recipe: Recipe) -> str:
    model = f"{recipe.model.name} norm={recipe.model.norm}"
    batch = str(recipe.data.batch_size)
    if recipe.accumulation > 1:
        batch += f"/{recipe.accumulation}"
    layout = recipe.execution.memory_format
    layout_text = "" if layout == "contiguous" else f" {layout}"
    return (
        f"{model} {recipe.data.name} batch {batch} {recipe.precision}"
        f" {recipe.optimizer.name}{layout_text}"
    )


def measure_costs(
    recipes: Iterable[Recipe], device: str, threads: int, data_dir: str | Path | None
) -> CostsByShape:
    """Measure each different shape among ``recipes``, of at most ``_MOST_SHAPES`` of them.

    Raises DataMissing where the images are neither there nor to be had.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return {
            shape_of(recipe): _measure(recipe, device, data_dir)
            for recipe in _one_of_each_shape(recipes)
        }
    finally:
        torch.set_num_threads(before)


def _one_of_each_shape(recipes: Iterable[Recipe]) -> Iterator[Recipe]:
    seen: set[Shape] = set()
    for recipe in recipes:
        shape = shape_of(recipe)
        if shape not in seen and len(seen) < _MOST_SHAPES:
            seen.add(shape)
            yield recipe


def _measure(recipe: Recipe, device: str, data_dir: str | Path | None) -> Cost:
    """Train two short epochs; the second one's pace holds for all but the first."""
    from study.training.data.datasets import load_data_set
    from study.training.data.loaders import split_of
    from study.training.loop import train
    from study.training.runtime.failures import TrainingFailure

    rows: list[dict[str, Any]] = []

    def report(row: dict[str, Any]) -> bool:
        rows.append(row)
        return True

    shape = _shape_text(recipe)
    try:
        data = load_data_set(recipe.data, data_dir)
        trained, held_out = split_of(recipe, data)
        short = _shortened(recipe, has_validation=data.validation_images is not None)
        train(short, device=device, report=report, data_dir=data_dir)
    except TrainingFailure as failure:
        return Cost(shape, failure=f"{failure.failure_class}: {failure.message}")
    _, short_held_out = split_of(short, data)
    last = rows[-1]
    train_pace = last["images_per_second"]
    eval_pace = _count_evaluated(short, data, short_held_out) / last["eval_seconds"]
    train_seconds = len(trained) / train_pace
    eval_seconds = _count_evaluated(recipe, data, held_out) / eval_pace
    return Cost(
        shape,
        train_images_per_second=train_pace,
        eval_images_per_second=eval_pace,
        epoch_seconds=train_seconds + eval_seconds,
        memory_bytes=last["peak_memory_bytes"],
    )


def _count_evaluated(recipe: Recipe, data: DataSet, held_out: Sized | None) -> int:
    """Count the images that each epoch is evaluated on: those held out or given, or the test
    set.
    """
    if data.validation_labels is not None:
        return len(data.validation_labels)
    if held_out is not None:
        return len(held_out)
    return len(data.test_labels[: recipe.data.test_images])


def _shortened(recipe: Recipe, *, has_validation: bool) -> Recipe:
    """Return the recipe for two epochs of a few batches, with a batch for a test set."""
    batch = recipe.data.batch_size
    data: dict[str, Any] = {"train_images": batch * _STEPS, "test_images": batch}
    if recipe.data.validation != "test" and not has_validation:  # a batch more, which is held out
        data["train_images"] = batch * (_STEPS + 1)
        data["validation"] = {"fraction": 1 / (_STEPS + 1)}
    length = {
        "epochs": 2,
        "steps": None,
        "seconds": None,
        "converge": None,
        "target": None,
        "patience": None,
    }
    tree = merge(recipe.model_dump(mode="json"), {"data": data, "schedule": "constant", **length})
    short, faults = parse_recipe(tree)
    if short is None:
        raise ValueError("; ".join(map(str, faults)))
    return short
