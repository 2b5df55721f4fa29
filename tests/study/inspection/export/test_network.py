"""An exported folder holds the newest checkpoint's weights by the network's own names, and runs
where this project isn't installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from study.errors import UserError
from study.files.local_storage import LocalPath
from study.inspection.export.network import (
    FACTS,
    ONNX,
    ONNX_LOADER,
    RECIPE,
    SCRIPT,
    SOURCE,
    WEIGHTS,
    export_network,
)
from study.training.best import BestBy
from study.training.checkpoint import Checkpoints, NoCheckpoints
from study.training.recipe.file import read_recipe
from study.training.recipe.model_catalog import FAMILIES
from study.training.recipe.recipe import Recipe

from ...training.conftest import exported_metrics, trained
from .exported import SIDE, expected_scores, export_untrained, scores_without_this_project

HOME = {RECIPE, WEIGHTS, SOURCE, FACTS, SCRIPT}


def test_the_newest_weights_and_the_recipe_are_written(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    store = Checkpoints(LocalPath(tmp_path / "checkpoints"))
    _, outcome = trained(tiny(), checkpoint=store)
    assert export_network(store.folder, tiny(), tmp_path / "home").epoch == 3
    assert {path.name for path in (tmp_path / "home").iterdir()} == HOME
    assert read_recipe(tmp_path / "home" / RECIPE) == tiny()
    newest = store.latest()
    assert newest is not None
    weights = load_file(tmp_path / "home" / WEIGHTS)
    assert weights.keys() == newest["model"].keys()
    assert all(torch.equal(weights[name], newest["model"][name]) for name in weights)
    assert exported_metrics(tmp_path / "home")["loss"] == outcome.summary["test_loss"]


@pytest.mark.parametrize("best_by", [None, BestBy("val_loss", "minimize")])
def test_averaged_weights_are_those_that_were_tested(
    tiny: Callable[..., Recipe], tmp_path: Path, best_by: BestBy | None
) -> None:
    store = Checkpoints(LocalPath(tmp_path / "checkpoints"))
    recipe = tiny(ema={"decay": 0.7})
    _, outcome = trained(recipe, checkpoint=store, best_by=best_by)
    export_network(store.folder, recipe, tmp_path / "home")
    assert exported_metrics(tmp_path / "home")["loss"] == outcome.summary["test_loss"]


def test_without_a_checkpoint_there_is_nothing_to_export(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="there is no whole checkpoint in"):
        export_network(LocalPath(tmp_path / "none"), tiny(), tmp_path / "home")


def test_an_exported_network_gives_without_this_project_what_it_gave_in_training(
    tmp_path: Path,
) -> None:
    """Every built-in network, each with images of another size than the network's."""
    homes = {}
    for name, family in FAMILIES.items():
        small = {"width": 0.1} if "width" in family.options else {}
        homes[name] = export_untrained(tmp_path / name, {"name": name, **small}, image_size=32)
    found = scores_without_this_project(homes.values())
    for home, scores in zip(homes.values(), found, strict=True):
        assert scores == pytest.approx(expected_scores(home), abs=1e-5)


@pytest.mark.parametrize(
    "recipe",
    [
        {"model": {"name": "small_cnn", "resolution": 0.5, "softmax": True}},
        {"model": {"name": "vgg16", "width": 0.1}, "data": {"eval_mirrored": True}},
        {"model": {"name": "lenet", "softmax": True}, "data": {"eval_mirrored": True}},
        {"data": {"normalize": "imagenet"}},
        {"data": {"normalize": "own"}},
        {"data": {"normalize": "none"}},
    ],
)
def test_what_a_recipe_puts_around_its_network_is_taken_home_too(
    tmp_path: Path, recipe: dict[str, dict[str, object]]
) -> None:
    model = recipe.get("model", {"name": "small_cnn"})
    home = export_untrained(tmp_path, model, image_size=32, **recipe.get("data", {}))
    [scores] = scores_without_this_project([home])
    assert scores == pytest.approx(expected_scores(home), abs=1e-5)


@pytest.mark.parametrize("channels", [1, 4])
def test_gray_and_transparent_pictures_are_classified(tmp_path: Path, channels: int) -> None:
    home = export_untrained(tmp_path, {"name": "small_cnn"}, channels=channels)
    [scores] = scores_without_this_project([home])
    assert scores == pytest.approx(expected_scores(home), abs=1e-5)


def test_images_of_which_there_are_no_files_have_no_script(tmp_path: Path) -> None:
    home = export_untrained(tmp_path, {"name": "small_cnn"}, channels=2)
    assert (home / SOURCE).exists()
    assert not (home / SCRIPT).exists()


def test_a_picture_of_any_size_is_classified(tmp_path: Path) -> None:
    from PIL import Image

    home = export_untrained(tmp_path, {"name": "small_cnn"}, image_size=32)
    Image.effect_noise((301, 123), 50).convert("CMYK").save(home / "picture.tiff")
    (home / "picture.png").unlink()
    (home / "picture.tiff").rename(home / "picture.png")
    [scores] = scores_without_this_project([home])
    assert sum(scores.values()) == pytest.approx(1)


@pytest.mark.parametrize("script", [SCRIPT, ONNX_LOADER])
def test_the_middle_of_a_picture_is_classified_where_that_was_trained_on(
    tmp_path: Path, script: str
) -> None:
    from PIL import Image

    home = export_untrained(tmp_path, {"name": "small_cnn"}, onnx=True, image_size=SIDE, fit="crop")
    wanted = expected_scores(home)
    middle = Image.open(home / "picture.png")
    high = Image.new("RGB", (SIDE, 3 * SIDE), "white")
    high.paste(middle, (0, SIDE))
    high.save(home / "picture.png")
    [scores] = scores_without_this_project([home], script)
    assert scores == pytest.approx(wanted, abs=1e-5)


def test_the_classes_have_their_names(tmp_path: Path) -> None:
    home = export_untrained(tmp_path, {"name": "small_cnn"})
    assert json.loads((home / FACTS).read_text())["classes"] == ["ant", "bee", "cat"]


def test_a_checkpoint_of_an_earlier_version_gives_recipe_and_weights(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    store = Checkpoints(LocalPath(tmp_path / "checkpoints"))
    trained(tiny(), checkpoint=store)
    state = store.latest()
    assert state is not None
    del state["images"]
    store.save(4, state)
    done = export_network(store.folder, tiny(), tmp_path / "home")
    assert set(done.files) == {RECIPE, WEIGHTS}
    with pytest.raises(UserError, match="of an earlier version: no ONNX"):
        export_network(store.folder, tiny(), tmp_path / "home", onnx=True)


def test_a_training_goes_on_from_a_checkpoint_of_an_earlier_version(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    class Earlier(NoCheckpoints):
        def latest(self) -> dict[str, object]:
            state = store.latest()
            assert state is not None
            del state["images"]
            return state

    store = Checkpoints(LocalPath(tmp_path / "checkpoints"))
    trained(tiny(epochs=2), checkpoint=store)
    rows, _ = trained(tiny(), checkpoint=Earlier(), reported=2)
    assert [row["epoch"] for row in rows] == [3]


def test_facts_that_a_stranger_has_written_make_no_code(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    store = Checkpoints(LocalPath(tmp_path / "checkpoints"))
    trained(tiny(), checkpoint=store)
    state = store.latest()
    assert state is not None
    state["images"]["shape"] = ["3)\nprint('owned'", 8, 8]
    store.save(4, state)
    with pytest.raises(UserError, match="nothing sensible of its images"):
        export_network(store.folder, tiny(), tmp_path / "home")


def test_what_was_exported_there_before_goes(tmp_path: Path) -> None:
    home = export_untrained(tmp_path, {"name": "small_cnn"}, onnx=True)
    assert {path.name for path in home.iterdir()} == {*HOME, ONNX, ONNX_LOADER, "picture.png"}
    again = export_untrained(tmp_path, {"name": "small_cnn"})
    assert {path.name for path in again.iterdir()} == {*HOME, "picture.png"}
