"""A trained network to take home: its recipe, its weights as safetensors and its figures, in a
folder of three files.

The weights carry the network's own names, which for a network that torchvision has are
torchvision's.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import nn

from study.errors import DataMissing, UserError
from study.files.atomic import make_folder, write_whole
from study.files.storage import StoragePath
from study.files.yaml_writer import write_yaml
from study.training.checkpoint import Checkpoints
from study.training.data.datasets import load_data_set
from study.training.data.loaders import make_loaders
from study.training.metrics import evaluate
from study.training.models.factory import build_for_recipe
from study.training.optim.precision import Arithmetic
from study.training.recipe.file import read_recipe
from study.training.recipe.recipe import Recipe
from study.training.runtime.device import resolve_device
from study.training.runtime.randomness import isolated_torch

RECIPE, WEIGHTS, FIGURES = "recipe.yaml", "weights.safetensors", "figures.json"


def export_weights(checkpoints: StoragePath, recipe: Recipe, to: Path) -> int:
    """Write RECIPE and WEIGHTS from the newest valid checkpoint into ``to``; the epoch that the
    weights are of.

    They are the best epoch's where the checkpoint remembers one, as it does with ``objective.at:
    best``. UserError where there is no checkpoint.
    """
    state = Checkpoints(checkpoints).latest()
    if state is None:
        raise UserError(
            f"there is no whole checkpoint in {checkpoints}: keep_checkpoints did not keep this"
            " trial's"
        )
    chosen = state.get("best", state)
    tensors = {
        name: tensor.detach().clone().contiguous() for name, tensor in chosen["model"].items()
    }
    make_folder(to)
    content = save(tensors, metadata={"model": recipe.model.name, "data": recipe.data.name})
    write_whole(to / WEIGHTS, content)
    write_whole(to / RECIPE, write_yaml(recipe.model_dump(mode="json")))
    return int(chosen["epoch"])


def _load_exported(folder: Path, data_dir: str | Path | None = None) -> tuple[Recipe, nn.Module]:
    """The recipe in ``folder`` and its network with the weights there, on the CPU and ready to
    evaluate.
    """
    recipe = read_recipe(folder / RECIPE)
    if not (folder / WEIGHTS).is_file():
        raise DataMissing(f"{folder} holds no {WEIGHTS}")
    bare = recipe.model_copy(
        update={"model": recipe.model.model_copy(update={"pretrained": False})}
    )
    data = load_data_set(recipe.data, data_dir)
    model = build_for_recipe(bare, data.image_shape, data.classes)
    model.load_state_dict(load_file(folder / WEIGHTS))
    return recipe, model.eval()


def figures_on_test(
    folder: Path, *, device: str | torch.device = "cpu", data_dir: str | Path | None = None
) -> dict[str, float]:
    """Loss, accuracy and what else is measured on the test images, with the weights in
    ``folder``.
    """
    recipe, model = _load_exported(folder, data_dir)
    place = resolve_device(device)
    with isolated_torch(recipe, place):
        sets = make_loaders(recipe, load_data_set(recipe.data, data_dir), place)
        model = model.to(place, memory_format=sets.memory_format)  # type: ignore[call-overload]
        arithmetic, mirrored = Arithmetic(recipe.precision, place), recipe.data.eval_mirrored
        return dict(
            evaluate(model, sets.test.epoch(1), arithmetic, lambda: None, mirrored=mirrored)
        )
