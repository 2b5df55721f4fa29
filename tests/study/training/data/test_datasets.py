"""Data sets are found, made by a user's factory, and fingerprinted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from study.training.data import datasets
from study.training.data.datasets import DataSet, check_same_images, load_data_set
from study.training.recipe.sections import Data
from study.training.runtime.failures import TrainingFailure

from ..conftest import write_mnist


def test_a_set_is_found_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(tmp_path / "elsewhere")
    monkeypatch.setenv("STUDY_DATA_DIR", str(tmp_path / "elsewhere"))
    assert len(load_data_set(Data(name="mnist")).train_labels) == 30


def made(spec: Data, folder: Path) -> DataSet:
    images = torch.rand(20, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    return DataSet(images, torch.arange(20) % 3, images[:6], torch.arange(6) % 3, 3)


def no_set(spec: Data, folder: Path) -> Any:
    return [1, 2]


def test_a_users_own_set_is_made_by_its_factory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(datasets, "made", made, raising=False)
    images = load_data_set(Data(name="study.training.data.datasets:made"), tmp_path)
    assert (images.image_shape, images.classes) == ((2, 6, 6), 3)
    assert len(images.fingerprint) == 64
    monkeypatch.setattr(datasets, "made", no_set, raising=False)
    with pytest.raises(TrainingFailure, match="must return a DataSet"):
        load_data_set(Data(name="study.training.data.datasets:made"), tmp_path)


def test_the_fingerprint_changes_with_any_pixel_or_label() -> None:
    whole = made(Data(), Path())
    prints = {datasets.with_fingerprint(whole).fingerprint}
    for change in ("train_images", "train_labels", "test_images", "test_labels"):
        tensor = getattr(whole, change).clone()
        tensor.view(-1)[3] = 1
        prints.add(datasets.with_fingerprint(replace(whole, **{change: tensor})).fingerprint)
    assert len(prints) == 5


def test_flipped_bytes_in_the_nodes_copy_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    write_mnist(tmp_path / "data")
    datasets.load_built_in.cache_clear()
    whole = load_data_set(Data(name="mnist"), tmp_path / "data")
    images = whole.train_images.clone()  # the others are the file's own pages
    (copy,) = (tmp_path / "temp").glob("study-data-*/mnist-*.pt")
    content = bytearray(copy.read_bytes())
    where = bytes(content).index(images[3, 0].numpy().tobytes())
    content[where] ^= 1
    copy.write_bytes(content)
    datasets.load_built_in.cache_clear()  # as in a new process
    again = load_data_set(Data(name="mnist"), tmp_path / "data")
    datasets.load_built_in.cache_clear()
    assert torch.equal(again.train_images, images)
    assert again.fingerprint == whole.fingerprint


def test_images_that_others_did_not_have_are_a_failure_of_their_data() -> None:
    data = load_data_set(Data(name="digits"), None)
    check_same_images(data, "")
    check_same_images(data, data.fingerprint[:32])
    with pytest.raises(TrainingFailure, match="put the old ones back") as failed:
        check_same_images(data, "0" * 32)
    assert failed.value.failure_class == "data"
