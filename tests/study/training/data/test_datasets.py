"""The image sets: their layouts, their counts, and one clear line where one is missing or
damaged.
"""

from __future__ import annotations

import gzip
import pickle  # noqa: TID251  files in torchvision's layout are made here
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from study.errors import DataMissing
from study.training.data import datasets as sets
from study.training.data.datasets import DataSet, load
from study.training.recipe.sections import Data
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.torchvision import torchvision

from ..conftest import IMAGES_PER_FILE


def offline(*arguments: object, **options: object) -> None:
    """Where torchvision would download from."""
    raise OSError("no network here")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (torchvision.datasets.cifar, torchvision.datasets.mnist):
        for name in ("download_and_extract_archive", "_urlretrieve"):
            monkeypatch.setattr(module, name, offline, raising=False)


def test_digits_come_with_scikit_learn() -> None:
    digits = load(Data())
    assert digits.image_shape == (1, 8, 8)
    assert (len(digits.train_labels), len(digits.test_labels), digits.classes) == (1437, 360, 10)
    assert digits.train_images.dtype == torch.uint8
    assert int(digits.train_images.max()) == 255
    assert load(Data()) is digits


def test_synthetic_images_repeat_and_can_be_learned_from() -> None:
    first, second = sets.synthetic(Path()), sets.synthetic(Path())
    assert torch.equal(first.train_images, second.train_images)
    centers = torch.stack(
        [first.train_images[first.train_labels == c].float().mean(0) for c in range(10)]
    )
    nearest = torch.cdist(first.test_images.float().flatten(1), centers.flatten(1)).argmin(1)
    assert float((nearest == first.test_labels).float().mean()) > 0.9


def test_cifar_10_is_read_from_the_official_binary_layout(cifar: Path) -> None:
    images = load(Data(name="cifar10"), cifar)
    assert images.image_shape == (3, 32, 32)
    if len(images.test_labels) == IMAGES_PER_FILE:
        assert len(images.train_labels) == 5 * IMAGES_PER_FILE
    assert images.train_labels[:3].tolist() == [6, 9, 9]  # a frog and two trucks
    assert set(images.train_labels.tolist()) == set(range(10))


def test_cifar_100_is_read_with_its_fine_labels(cifar100: Path) -> None:
    images = load(Data(name="cifar100"), cifar100)
    assert images.classes == 100
    assert images.train_labels[:3].tolist() == [19, 29, 0]  # cattle, dinosaur, apple
    assert int(images.train_labels.max()) > 20


def write_records(folder: Path, labels: list[int], size: int = 3073) -> Path:
    folder = folder / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    record = b"".join(bytes([label]) + bytes(size - 1) for label in labels)
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]:
        (folder / f"{name}.bin").write_bytes(record)
    return folder


@pytest.mark.parametrize("damage", ["cut", "missing", "labels"])
def test_a_damaged_binary_file_is_named(tmp_path: Path, damage: str) -> None:
    folder = write_records(tmp_path, [11 if damage == "labels" else 3])
    path = folder / "data_batch_3.bin"
    if damage == "cut":
        path.write_bytes(bytes(3000))
    elif damage == "missing":
        path.unlink()
    with pytest.raises(DataMissing, match=r"cifar10: .*data_batch_\d.bin must hold") as caught:
        load(Data(name="cifar10"), tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist"])
def test_a_missing_set_says_what_was_looked_for_where_and_how_to_provide_it(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(DataMissing) as caught:
        load(Data(name=name), tmp_path / "none")
    text = str(caught.value)
    assert text.startswith(f"{name}: ")
    assert "\n" not in text
    assert str(tmp_path / "none") in text
    assert "STUDY_DATA_DIR" in text
    assert "torchvision's layout" in text
    assert not (tmp_path / "none").exists(), (
        "a folder that was made for the download is gone with it"
    )


@pytest.mark.usefixtures("no_network")
def test_a_failed_download_leaves_a_folder_of_the_users_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(DataMissing):
        load(Data(name="cifar10"), tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_pickle_with_the_wrong_checksum_is_not_read(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]:
        (folder / name).write_bytes(pickle.dumps(Attack()))
    with pytest.raises(DataMissing, match="not whole"):
        load(Data(name="cifar10"), tmp_path)
    assert not (tmp_path / "ran").exists()


def write_mnist(folder: Path) -> None:
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 30), ("t10k", 10)):
        pixels = np.arange(count * 28 * 28, dtype=np.uint8).tobytes()
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, count, 28, 28) + pixels
        )
        labels = bytes(number % 10 for number in range(count))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels)
        (raw / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b""))


def test_mnist_is_read_from_torchvisions_layout(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    images = load(Data(name="mnist"), tmp_path)
    assert images.train_images.shape == (30, 1, 28, 28)
    assert images.test_labels.tolist() == list(range(10))
    assert int(images.train_images[0, 0, 1, 0]) == 28


def test_a_set_is_found_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mnist(tmp_path / "elsewhere")
    monkeypatch.setenv("STUDY_DATA_DIR", str(tmp_path / "elsewhere"))
    assert len(load(Data(name="mnist")).train_labels) == 30


def made(spec: Data, folder: Path) -> DataSet:
    images = torch.rand(20, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    return DataSet(images, torch.arange(20) % 3, images[:6], torch.arange(6) % 3, 3)


def no_set(spec: Data, folder: Path) -> Any:
    return [1, 2]


def test_a_users_own_set_is_made_by_its_factory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sets, "made", made, raising=False)
    images = load(Data(name="study.training.data.datasets:made"), tmp_path)
    assert (images.image_shape, images.classes) == ((2, 6, 6), 3)
    assert len(images.fingerprint) == 64
    monkeypatch.setattr(sets, "made", no_set, raising=False)
    with pytest.raises(TrainingFailure, match="must return a DataSet"):
        load(Data(name="study.training.data.datasets:made"), tmp_path)


def test_the_fingerprint_changes_with_any_pixel_or_label() -> None:
    whole = made(Data(), Path())
    prints = {sets.fingerprinted(whole).fingerprint}
    for change in ("train_images", "train_labels", "test_images", "test_labels"):
        tensor = getattr(whole, change).clone()
        tensor.view(-1)[3] = 1
        prints.add(sets.fingerprinted(replace(whole, **{change: tensor})).fingerprint)
    assert len(prints) == 5
