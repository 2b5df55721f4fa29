"""A trained network to take home: its recipe and its weights as safetensors.

The weights carry the network's own names, which for a network that torchvision has are
torchvision's.
"""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import save

from study.errors import UserError
from study.files.atomic import make_folder, write_whole
from study.files.storage import StoragePath
from study.files.yaml_writer import write_yaml
from study.training.checkpoint import Checkpoints
from study.training.recipe.recipe import Recipe

RECIPE = "recipe.yaml"
WEIGHTS = "weights.safetensors"
FIGURES = "figures.json"
"""What an exported folder holds; the caller writes the figures."""


def export_weights(checkpoints: StoragePath, recipe: Recipe, to: Path) -> int:
    """Write RECIPE and WEIGHTS into ``to``; returns the epoch that the weights are of.

    They are the newest valid checkpoint's: its best epoch's where it remembers one, as it does with
    ``objective.at: best``. Raises UserError where there is no checkpoint.
    """
    state = Checkpoints(checkpoints).latest()
    if state is None:
        raise UserError(
            f"there is no whole checkpoint in {checkpoints}: keep_checkpoints did not keep this"
            " trial's"
        )
    chosen = state.get("best", state)
    # safetensors refuses tensors that share memory or aren't contiguous
    weights = {
        name: tensor.detach().clone().contiguous() for name, tensor in chosen["model"].items()
    }
    make_folder(to)
    content = save(weights, metadata={"model": recipe.model.name, "data": recipe.data.name})
    write_whole(to / WEIGHTS, content)
    write_whole(to / RECIPE, write_yaml(recipe.model_dump(mode="json")))
    return int(chosen["epoch"])
