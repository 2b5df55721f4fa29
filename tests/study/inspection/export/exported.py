"""Networks exported as they begin, and what their folders answer where this project is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.torch import load_file

from study.files.local_storage import LocalPath
from study.inspection.export.load_script import PICTURE_MODES
from study.inspection.export.network import WEIGHTS, export_network
from study.training.checkpoint import Checkpoints
from study.training.data.datasets import DataSet
from study.training.data.image_facts import ImageFacts
from study.training.data.loaders import make_loaders
from study.training.models.factory import build_for_recipe
from study.training.recipe.file import read_recipe
from study.training.recipe.recipe import Recipe

SIDE = 24
NAMES = ("ant", "bee", "cat")
CPU = torch.device("cpu")

ALONE = """
import json, runpy, sys
sys.modules["study"] = sys.modules["analysis"] = sys.modules["search_spaces"] = None
import torch
torch.set_num_threads(1)
library = torch.library.Library("torchvision", "FRAGMENT")  # beside a torch without CUDA
library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
answers = []
for home in sys.argv[2:]:
    sys.modules.pop("model", None)
    sys.path.insert(0, home)
    script = runpy.run_path(f"{home}/{sys.argv[1]}")
    answers.append({name: score for score, name in script["classify"](f"{home}/picture.png")})
    sys.path.remove(home)
print(json.dumps(answers))
"""


def images_of(channels: int) -> DataSet:
    """Sixteen images, of which the first test image is the picture to classify."""
    generator = torch.Generator().manual_seed(channels)
    images = torch.randint(
        0, 256, (16, channels, SIDE, SIDE), generator=generator, dtype=torch.uint8
    )
    labels = torch.arange(16) % len(NAMES)
    return DataSet(images, labels, images[:1], labels[:1], len(NAMES), class_names=NAMES)


def export_untrained(
    folder: Path,
    model: Mapping[str, Any],
    *,
    channels: int = 3,
    onnx: bool = False,
    **data: Any,
) -> Path:
    """Export a network with the weights that it begins with, beside a picture."""
    torch.manual_seed(0)
    tree = {"model": dict(model), "data": {"batch_size": 4, **data}}
    recipe = Recipe.model_validate(tree)
    images = images_of(channels)
    network = build_for_recipe(recipe, images.image_shape, images.classes)
    facts = ImageFacts.of(images, make_loaders(recipe, images, CPU).normalization)
    store = Checkpoints(LocalPath(folder / "checkpoints"))
    folder.mkdir(parents=True, exist_ok=True)
    store.save(1, {"epoch": 1, "model": network.state_dict(), "images": facts.to_state()})
    home = folder / "home"
    export_network(store.folder, recipe, home, onnx=onnx)
    mode = PICTURE_MODES.get(channels)
    if mode:
        pixels = images.test_images[0].permute(1, 2, 0).contiguous()  # (H, W, C)
        picture = Image.frombytes(mode, (SIDE, SIDE), bytes(pixels.flatten().tolist()))
        picture.save(home / "picture.png")
    return home


def expected_scores(home: Path) -> dict[str, float]:
    """What a training's own evaluation makes of the picture, by class."""
    recipe = read_recipe(home / "recipe.yaml")
    weights = load_file(home / WEIGHTS)
    facts = json.loads((home / "model.json").read_text())
    data = images_of(facts["channels"])
    network = build_for_recipe(recipe, data.image_shape, data.classes)
    network.load_state_dict(weights)
    network.eval()
    loaders = make_loaders(recipe, data, CPU)
    images, _ = next(iter(loaders.test.epoch(1)))
    if recipe.data.normalize == "own":  # of one picture there are no statistics: the training's
        images = loaders.normalization(resized(data, recipe))
    with torch.no_grad():
        scores = network(images)
        if recipe.data.eval_mirrored:
            scores = (scores + network(images.flip(3))) / 2
    if not recipe.model.softmax:
        scores = scores.softmax(1)
    return dict(zip(NAMES, scores[0].tolist(), strict=True))


def resized(data: DataSet, recipe: Recipe) -> torch.Tensor:
    from study.training.data.normalize import resize, to_unit_range

    return resize(to_unit_range(data.test_images), recipe.data.image_size, recipe.data.fit)


def scores_without_this_project(
    homes: Iterable[Path], script: str = "load.py"
) -> list[dict[str, float]]:
    """What each folder's script says of its picture, in a process that can't import this project."""
    command = [sys.executable, "-c", ALONE, script, *map(str, homes)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, float]] = json.loads(done.stdout)
    return answers
