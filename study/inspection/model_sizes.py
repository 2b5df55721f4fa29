"""How many parameters a recipe's network has: counted once, and kept for this user's next previews.

To count them takes torch, whose loading takes longer than all else that a preview does. A count is
kept under a hash of all that it depends on: the model's settings, the images, the code that builds
it and the libraries that it is built of. So a count that is found is that of now.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from study.results.kept_figures import KeptFigures, hash_of
from study.training import recipe as recipe_package
from study.training.recipe.data_catalog import DATA_SETS
from study.training.recipe.model_catalog import FAMILIES
from study.training.recipe.recipe import Recipe

_COUNTS = KeptFigures("model-sizes.json", most=5000)
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
    key = hash_of(
        recipe.model.model_dump_json(), json.dumps([image_shape, data.classes]), _code_hash()
    )
    kept = _COUNTS.find(key)
    if type(kept) is int and 0 < kept < _MOST_PARAMETERS:
        return kept
    count = _build_and_count(recipe, image_shape, data.classes)
    if count:
        _COUNTS.keep(key, count)
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
    parts = [" ".join(version(name) for name in _LIBRARIES)]
    for path in sorted(models.rglob("*.py")):
        parts += [str(path.relative_to(models)), path.read_text()]
    return hash_of(*parts)
