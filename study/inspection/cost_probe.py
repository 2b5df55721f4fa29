"""What a point costs in time and memory, from a few steps of each shape of model and batch that a
study holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.training.recipe.recipe import Recipe, merge, parse_recipe

_STEPS = 6  # updates in each of two short epochs; the second is measured
_MOST_SHAPES = 12

Shape = tuple[object, ...]


@dataclass(frozen=True)
class Cost:
    """One shape's cost; figures are None where its few steps already failed, which ``failure``
    tells of.
    """

    shape: str
    train_images_per_second: float | None = None
    eval_images_per_second: float | None = None
    epoch_seconds: float | None = None
    memory_bytes: int | None = None
    failure: str = ""


def shape_of(recipe: Recipe) -> Shape:
    """What time and memory of a step depend on."""
    data = recipe.data.model_dump_json(exclude={"validation", "eval_batch_size", "test_images"})
    optimizer, execution = recipe.optimizer.name, recipe.execution.model_dump_json()
    return (
        recipe.model.model_dump_json(),
        data,
        recipe.accumulation,
        recipe.precision,
        optimizer,
        execution,
    )


def _shape_text(recipe: Recipe) -> str:
    batch = f"{recipe.data.batch_size}" + (
        f"/{recipe.accumulation}" if recipe.accumulation > 1 else ""
    )
    layout = (
        ""
        if recipe.execution.memory_format == "contiguous"
        else f" {recipe.execution.memory_format}"
    )
    model = f"{recipe.model.name} norm={recipe.model.norm}"
    return (
        f"{model} {recipe.data.name} batch {batch} {recipe.precision}"
        f" {recipe.optimizer.name}{layout}"
    )


def measured(
    recipes: Iterable[Recipe], device: str, threads: int, data_dir: str | Path | None
) -> dict[Shape, Cost]:
    """The cost of each different shape among ``recipes``, of at most ``MOST_SHAPES`` of them.

    Raises DataMissing where the images are neither there nor to be had.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return {
            shape_of(recipe): _measure(recipe, device, data_dir) for recipe in _distinct(recipes)
        }
    finally:
        torch.set_num_threads(before)


def _distinct(recipes: Iterable[Recipe]) -> Iterator[Recipe]:
    seen: set[Shape] = set()
    for recipe in recipes:
        if shape_of(recipe) not in seen and len(seen) < _MOST_SHAPES:
            seen.add(shape_of(recipe))
            yield recipe


def _measure(recipe: Recipe, device: str, data_dir: str | Path | None) -> Cost:
    """Train two short epochs; the second one's pace holds for all but the first."""
    from study.training.data.datasets import load_data_set
    from study.training.data.loaders import split_indices
    from study.training.loop import train
    from study.training.runtime.failures import TrainingFailure

    rows: list[dict[str, Any]] = []

    def report(row: dict[str, Any]) -> bool:
        rows.append(row)
        return True

    try:
        data = load_data_set(recipe.data, data_dir)
        trained, held_out = split_indices(recipe, len(data.train_labels))
        short = _shortened(recipe)
        train(short, device=device, report=report, data_dir=data_dir)
    except TrainingFailure as failure:
        return Cost(_shape_text(recipe), failure=f"{failure.failure_class}: {failure.message}")
    validated = len(data.test_labels[: recipe.data.test_images] if held_out is None else held_out)
    _, short_held_out = split_indices(short, len(data.train_labels))
    evaluated = len(
        data.test_labels[: short.data.test_images] if short_held_out is None else short_held_out
    )
    train_pace, eval_pace = rows[-1]["images_per_second"], evaluated / rows[-1]["eval_seconds"]
    seconds = len(trained) / train_pace + validated / eval_pace
    return Cost(_shape_text(recipe), train_pace, eval_pace, seconds, rows[-1]["peak_memory_bytes"])


def _shortened(recipe: Recipe) -> Recipe:
    """The recipe for two epochs of a few batches, without a test set to speak of."""
    batch = recipe.data.batch_size
    data: dict[str, Any] = {"train_images": batch * _STEPS, "test_images": batch}
    if recipe.data.validation != "test":
        data |= {"train_images": batch * (_STEPS + 1), "validation": {"fraction": 1 / (_STEPS + 1)}}
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
