"""CIFAR is read from its two layouts, and a damaged file is named."""

from __future__ import annotations

import pickle  # noqa: TID251  files in torchvision's layout are made here
from pathlib import Path

import pytest

from study.errors import DataMissing
from study.training.data.datasets import load_data_set
from study.training.recipe.sections import Data

from ...conftest import IMAGES_PER_FILE


def test_cifar_10_is_read_from_the_official_binary_layout(cifar: Path) -> None:
    images = load_data_set(Data(name="cifar10"), cifar)
    assert images.image_shape == (3, 32, 32)
    if len(images.test_labels) == IMAGES_PER_FILE:
        assert len(images.train_labels) == 5 * IMAGES_PER_FILE
    assert images.train_labels[:3].tolist() == [6, 9, 9]  # a frog and two trucks
    assert set(images.train_labels.tolist()) == set(range(10))


def test_cifar_100_is_read_with_its_fine_labels(cifar100: Path) -> None:
    images = load_data_set(Data(name="cifar100"), cifar100)
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
        load_data_set(Data(name="cifar10"), tmp_path)
    assert "\n" not in str(caught.value)


def test_a_pickle_with_the_wrong_checksum_is_not_read(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]:
        (folder / name).write_bytes(pickle.dumps(Attack()))
    with pytest.raises(DataMissing, match="not whole"):
        load_data_set(Data(name="cifar10"), tmp_path)
    assert not (tmp_path / "ran").exists()
