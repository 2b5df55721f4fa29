"""Stopped and gone on with, a training on files is bit for bit the one that was never stopped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.training.loop import train
from study.training.recipe.recipe import Recipe
from study.training.runtime.failures import TrainingFailure

from .conftest import Memory, timeless, trained
from .data.pictures import write_parquet, write_pictures
from .test_resume import assert_resumes

FILES: dict[str, Any] = {
    "name": "folder",
    "image_size": 8,
    "batch_size": 10,
    "train_images": None,
    "test_images": None,
    "augment": "crop_flip",
}
LOADERS: dict[str, Any] = {
    "memory": {"name": "device"},
    "training process": {"name": "host", "workers": 0},
    "loader processes": {"name": "host", "workers": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for part, count in (("train", 12), ("val", 5), ("test", 5)):
        write_pictures(folder / part, count, sides=(11, 9), kind="jpg")
        write_parquet(folder / "parquet", folder / part, part)
    (folder / "parquet").rename(folder.parent / "as-parquet")
    return folder


@pytest.fixture
def recipe(
    tiny: Callable[..., Recipe],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., Recipe]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr("study.training.data.host_loader._available_processors", lambda: 2)
    return lambda **data: tiny(data={**FILES, "path": str(folder), **data})


@pytest.mark.parametrize("loader", LOADERS)
def test_a_training_on_a_folder_goes_on_bit_for_bit(
    loader: str, recipe: Callable[..., Recipe]
) -> None:
    assert_resumes(recipe(loader=LOADERS[loader]), after=1)


@pytest.mark.parametrize("loader", LOADERS)
def test_a_training_on_parquet_files_goes_on_bit_for_bit(
    loader: str, recipe: Callable[..., Recipe], folder: Path
) -> None:
    path = str(folder.parent / "as-parquet")
    assert_resumes(recipe(name="parquet", path=path, loader=LOADERS[loader]), after=1)


def test_random_crops_are_of_images_as_they_are_stored(recipe: Callable[..., Recipe]) -> None:
    crops = recipe(augment="random_resized_crop", loader=LOADERS["loader processes"])
    assert_resumes(crops, after=2)
    by_default = recipe(augment="random_resized_crop")
    rows = [timeless(trained(each)[0]) for each in (crops, by_default)]
    assert rows[0] == rows[1]


def test_how_many_processes_decode_makes_no_difference(recipe: Callable[..., Recipe]) -> None:
    rows = [
        timeless(trained(recipe(loader=LOADERS[name]))[0])
        for name in ("training process", "loader processes")
    ]
    assert rows[0] == rows[1]


def test_it_has_a_validation_set_and_test_figures(recipe: Callable[..., Recipe]) -> None:
    _, outcome = trained(recipe())
    assert "train 24, validation 10, test 10" in str(outcome.summary["data_fingerprint"])
    assert outcome.summary["validation"] == "given"
    assert outcome.summary["test_epoch"] == 3


def test_without_a_test_set_there_is_no_test_figure(
    recipe: Callable[..., Recipe], folder: Path
) -> None:
    _, outcome = trained(recipe(path=str(folder / "train")))
    assert outcome.summary["test_epoch"] is None
    assert not [name for name in outcome.summary if name.startswith("test_acc")]
    assert outcome.summary["validation"] == "split"


@pytest.mark.parametrize("loader", ["training process", "loader processes"])
def test_a_file_that_breaks_after_it_was_indexed_ends_the_training_by_its_name(
    loader: str, recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    write_pictures(tmp_path / "pictures", 12)
    options = {"path": str(tmp_path / "pictures"), "loader": LOADERS[loader]}
    file = tmp_path / "pictures" / "dark" / "003.png"

    def spoil(row: object) -> bool:
        file.write_bytes(b"spoilt")  # its folder has neither got nor lost an entry
        return True

    with pytest.raises(TrainingFailure, match=r"dark/003\.png: it was changed") as caught:
        train(recipe(**options), report=spoil, checkpoint=Memory())
    assert caught.value.failure_class == "data"


def test_left_out_files_are_missing_from_their_batches_and_counted(
    recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    write_pictures(tmp_path / "pictures", 12)
    file = tmp_path / "pictures" / "dark" / "003.png"
    options = {"path": str(tmp_path / "pictures"), "skip_broken": True}

    def spoil(row: object) -> bool:
        file.write_bytes(b"spoilt")
        return True

    outcome = train(recipe(**options, loader={"name": "host"}), report=spoil)
    assert outcome.summary["left_out_files"] == 1
    _, outcome = trained(recipe(**options, loader={"name": "host"}))
    assert outcome.summary["left_out_files"] == 1


def test_class_names_are_in_the_summary(recipe: Callable[..., Recipe]) -> None:
    _, outcome = trained(recipe())
    assert outcome.summary["class_names"] == '["bright", "dark"]'
