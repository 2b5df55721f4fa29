"""A trained network to take home: a folder that runs without this project.

recipe.yaml          what it was trained with, for `study train`
weights.safetensors  its weights, by the network's own names (where torchvision has it, by those)
model.py             the network in plain PyTorch, or the import of a user's own factory
model.json           normalization, picture size and class names
load.py              says what a picture shows
model.onnx           for other runtimes, with `load_onnx.py`; only where it is wanted
figures.json         what it came to; the caller writes it
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from study.errors import UserError
from study.files.atomic import make_folder, write_whole
from study.files.storage import StoragePath
from study.files.yaml_writer import write_yaml
from study.inspection.export.load_script import PICTURE_MODES, load_script, onnx_script
from study.inspection.export.model_source import model_source
from study.training.checkpoint import Checkpoints, CheckpointState
from study.training.data.image_facts import ImageFacts
from study.training.recipe.recipe import Recipe

RECIPE = "recipe.yaml"
WEIGHTS = "weights.safetensors"
SOURCE = "model.py"
FACTS = "model.json"
SCRIPT = "load.py"
ONNX = "model.onnx"
ONNX_LOADER = "load_onnx.py"
FIGURES = "figures.json"
FILES = (RECIPE, WEIGHTS, SOURCE, FACTS, SCRIPT, ONNX, ONNX_LOADER, FIGURES)


@dataclass(frozen=True)
class ExportedNetwork:
    """What was written of a network."""

    epoch: int
    """The epoch that the weights are of."""
    files: tuple[str, ...]
    """Their names. Without SOURCE and what goes with it where the checkpoint is of an earlier
    version, which didn't keep how images are normalized; without SCRIPT where no image file has as
    many channels as the network's images.
    """

    def notes(self, folder: str) -> Iterator[str]:
        """Give what there is to say of it, of a folder that the user knows by this name."""
        if SOURCE not in self.files:
            yield (
                f"without {SOURCE}: its checkpoint is of an earlier version, and doesn't say how"
                " images are normalized"
            )
        for script in (SCRIPT, ONNX_LOADER):
            if script in self.files:
                yield (
                    "say what a picture shows, also without ray-study: python"
                    f" {folder}/{script} FILE"
                )


def export_network(
    checkpoints: StoragePath, recipe: Recipe, to: Path, *, onnx: bool = False
) -> ExportedNetwork:
    """Write a trained network into ``to``, in place of one that was exported there before.

    Its weights are the newest valid checkpoint's, averaged where the recipe says so: its best
    epoch's where it remembers one, as it does with ``objective.at: best``. Raises UserError where
    there is no checkpoint, or for ``onnx`` where that can't be made.
    """
    state = Checkpoints(checkpoints).latest()
    if state is None:
        raise UserError(
            f"there is no whole checkpoint in {checkpoints}: keep_checkpoints did not keep this"
            " trial's"
        )
    chosen = state.get("best", state)
    averaged = chosen.get("ema", chosen)  # the best epoch's are averaged already
    # safetensors refuses tensors that share memory or aren't contiguous
    weights = {
        name: tensor.detach().clone().contiguous() for name, tensor in averaged["model"].items()
    }
    files: dict[str, str | bytes] = {
        RECIPE: write_yaml(recipe.model_dump(mode="json")),
        WEIGHTS: save(weights, metadata={"model": recipe.model.name, "data": recipe.data.name}),
    }
    facts = _facts_in(state)
    if facts:
        files |= _runnable_files(recipe, facts)
    if onnx:
        files |= _onnx_files(recipe, facts, weights)
    make_folder(to)
    for name in FILES:
        (to / name).unlink(missing_ok=True)
    for name, content in files.items():
        write_whole(to / name, content)
    return ExportedNetwork(int(chosen["epoch"]), tuple(files))


def _facts_in(state: CheckpointState) -> ImageFacts | None:
    """Return the images' facts; None in a checkpoint of an earlier version, which has none."""
    return ImageFacts.from_state(state["images"]) if "images" in state else None


def _runnable_files(recipe: Recipe, facts: ImageFacts) -> dict[str, str | bytes]:
    """Return the files that make a network of the weights and show it a picture."""
    channels, height, width = recipe.data.input_shape(facts.shape)
    about = {
        "model": recipe.model.name,
        "classes": facts.class_names,
        "mode": PICTURE_MODES.get(channels),
        "channels": channels,
        "size": [height, width],
        "mean": facts.mean,
        "std": facts.std,
    }
    files: dict[str, str | bytes] = {
        SOURCE: model_source(recipe.model, (channels, height, width), len(facts.class_names)),
        FACTS: json.dumps(about, indent=2) + "\n",
    }
    if channels in PICTURE_MODES:
        files[SCRIPT] = load_script(
            softmax_inside=recipe.model.softmax,
            mirrored=recipe.data.eval_mirrored,
            fit=recipe.data.fit,
        )
    return files


def _onnx_files(
    recipe: Recipe, facts: ImageFacts | None, weights: dict[str, Tensor]
) -> dict[str, str | bytes]:
    if facts is None:
        raise UserError(
            "its checkpoint doesn't say how images are normalized, being of an earlier version: no"
            " ONNX can be made of it"
        )
    from study.inspection.export.onnx_file import onnx_bytes

    files: dict[str, str | bytes] = {ONNX: onnx_bytes(recipe, facts, weights)}
    if facts.shape[0] in PICTURE_MODES:
        files[ONNX_LOADER] = onnx_script(recipe.data.fit)
    return files
