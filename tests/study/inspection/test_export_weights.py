"""An exported folder holds the newest checkpoint's weights by the network's own names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from study.errors import UserError
from study.files.local_storage import LocalPath
from study.inspection.export_weights import RECIPE, WEIGHTS, export_weights
from study.training.checkpoint import Checkpoints
from study.training.recipe.file import read_recipe
from study.training.recipe.recipe import Recipe

from ..training.conftest import TINY, exported_metrics, trained


def test_the_newest_weights_and_the_recipe_are_written(tmp_path: Path) -> None:
    tiny = Recipe.model_validate(TINY)
    store = Checkpoints(LocalPath(tmp_path / "checkpoints"))
    _, outcome = trained(tiny, checkpoint=store)
    assert export_weights(store.folder, tiny, tmp_path / "home") == 3
    assert {path.name for path in (tmp_path / "home").iterdir()} == {RECIPE, WEIGHTS}
    assert read_recipe(tmp_path / "home" / RECIPE) == tiny
    newest = store.latest()
    assert newest is not None
    weights = load_file(tmp_path / "home" / WEIGHTS)
    assert weights.keys() == newest["model"].keys()
    assert all(torch.equal(weights[name], newest["model"][name]) for name in weights)
    assert exported_metrics(tmp_path / "home")["loss"] == outcome.summary["test_loss"]


def test_without_a_checkpoint_there_is_nothing_to_export(tmp_path: Path) -> None:
    tiny = Recipe.model_validate(TINY)
    with pytest.raises(UserError, match="there is no whole checkpoint in"):
        export_weights(LocalPath(tmp_path / "none"), tiny, tmp_path / "home")
