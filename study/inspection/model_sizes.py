"""How many parameters a recipe's network has: counted once, and kept for this user's next previews.

To count them takes torch, whose loading takes longer than all else that a preview does. A count is
kept under a hash of all that it depends on: the model's settings, the images, the code that builds
it and the libraries that it is built of. So a count that is found is that of now.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from study.execution.user.configuration import cache_folder
from study.files.atomic import make_folder, write_whole
from study.training import recipe as recipe_package
from study.training.recipe.data_catalog import DATA_SETS
from study.training.recipe.model_catalog import FAMILIES
from study.training.recipe.recipe import Recipe

_FILE = "model-sizes.json"
_LARGEST_BYTES = 1_000_000
_MOST_COUNTS = 5000
_MOST_PARAMETERS = 1 << 53
_LIBRARIES = ("torch", "torchvision")


def count_parameters(recipe: Recipe) -> int:
    """Count the parameters of a recipe's network, built without values.

    0 where that needs what isn't here, or code of others, which isn't loaded into this process.
    """
    if recipe.model.name not in FAMILIES:
        return 0
    data = DATA_SETS.get(recipe.data.name, DATA_SETS["cifar10"])
    image_shape = recipe.data.input_shape(data.image_shape)
    asked = [recipe.model.model_dump_json(), image_shape, data.classes, _code_hash()]
    key = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    counts = _kept_counts()
    if key in counts:
        return counts[key]
    count = _build_and_count(recipe, image_shape, data.classes)
    if count:
        _keep({**counts, key: count})
    return count


def _build_and_count(recipe: Recipe, image_shape: tuple[int, int, int], classes: int) -> int:
    import torch

    from study.training.models.factory import build_model

    try:
        with torch.device("meta"):
            model = build_model(recipe.model, image_shape, classes)
    except Exception:  # a network of the user's own may want more than this; then the trial tells
        return 0
    return sum(parameter.numel() for parameter in model.parameters())


@cache
def _code_hash() -> str:
    """Return a hash of all the code that networks are built by, and of its libraries' versions."""
    models = Path(recipe_package.__path__[0]).parent / "models"
    whole = hashlib.sha256(" ".join(version(name) for name in _LIBRARIES).encode())
    for path in sorted(models.rglob("*.py")):
        whole.update(f"{path.relative_to(models)} ".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _kept_counts() -> dict[str, int]:
    """Return what was counted before; nothing where the file isn't there or isn't of this form."""
    try:
        with (cache_folder() / _FILE).open("rb") as file:
            tree: Any = json.loads(file.read(_LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    if isinstance(tree, dict) and all(map(_is_count, tree.values())):
        return tree
    return {}


def _is_count(value: object) -> bool:
    return type(value) is int and 0 < value < _MOST_PARAMETERS


def _keep(counts: dict[str, int]) -> None:
    """Write the newest counts; where that can't be done, they are counted again."""
    newest = dict(list(counts.items())[-_MOST_COUNTS:])
    with suppress(OSError):
        make_folder(cache_folder())
        write_whole(cache_folder() / _FILE, json.dumps(newest))
