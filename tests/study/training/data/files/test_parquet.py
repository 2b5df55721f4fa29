"""Parquet files of Hugging Face's form are the same data set as the images in folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import torch
from pyarrow import parquet

from study.training.data.datasets import DataSet, load_data_set
from study.training.data.files.faults import FaultyData
from study.training.recipe.sections import Data
from study.training.runtime.reading import Reading

from ..pictures import CLASSES, write_parquet, write_pictures


def loaded(path: Path, reading: Reading | None = None, **options: Any) -> DataSet:
    spec = Data.model_validate({"name": "parquet", "path": str(path), **options})
    return load_data_set(spec, None, reading)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "pictures" / "train", 6)
    write_pictures(tmp_path / "pictures" / "val", 2, seed=1)
    return tmp_path / "pictures"


@pytest.fixture
def files(pictures: Path, tmp_path: Path) -> Path:
    write_parquet(tmp_path / "set" / "data", pictures / "train", "train")
    write_parquet(tmp_path / "set" / "data", pictures / "val", "validation", files=1)
    return tmp_path / "set"


def write_rows(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows), file)
    return file


def row(pictures: Path, label: Any, name: str = "dark") -> dict[str, Any]:
    content = (pictures / "train" / name / "000.png").read_bytes()
    return {"image": {"bytes": content, "path": None}, "label": label}


def labelled(data: DataSet, part: str) -> list[tuple[bytes, int]]:
    images, labels = getattr(data, f"{part}_images"), getattr(data, f"{part}_labels").tolist()
    pairs = zip(images, labels, strict=True)
    return sorted((image.numpy().tobytes(), label) for image, label in pairs)


def test_images_classes_and_parts_are_those_of_the_folders(pictures: Path, files: Path) -> None:
    spec = Data(name="folder", path=str(pictures))
    wanted, found = load_data_set(spec), loaded(files)
    assert found.names == list(CLASSES)
    for part in ("train", "validation"):
        assert labelled(found, part) == labelled(wanted, part)
    assert not len(found.test_labels)


def test_one_file_is_a_set_too_and_is_split(pictures: Path, tmp_path: Path) -> None:
    rows = [row(pictures, label, name) for label, name in ((1, "dark"), (0, "bright"))] * 4
    file = write_rows(tmp_path / "one.parquet", rows)
    data = loaded(file, test_fraction=0.25, loader={"name": "host"})
    assert (len(data.train_labels), len(data.test_labels)) == (6, 2)
    assert data.names == ["0", "1"]


def test_texts_are_labels_in_the_order_of_the_alphabet(pictures: Path, tmp_path: Path) -> None:
    rows = [row(pictures, label) for label in ("moth", "ant", "bee", "ant")]
    data = loaded(write_rows(tmp_path / "train-0.parquet", rows))
    assert data.names == ["ant", "bee", "moth"]
    assert data.train_labels.tolist() == [0, 0, 1, 2]


def test_they_are_copied_once_and_again_where_they_have_changed(files: Path) -> None:
    notes: list[tuple[int, int]] = []
    reading = Reading(note=lambda done, total: notes.append((done, total)))
    before = loaded(files, reading).fingerprint
    assert notes
    notes.clear()
    assert loaded(files, reading).fingerprint == before
    assert notes == []
    os.utime(files / "data" / "train-00000-of-00002.parquet", ns=(1, 1))
    assert loaded(files, reading).fingerprint == before
    assert notes


def test_broken_images_are_named_by_file_and_row(pictures: Path, tmp_path: Path) -> None:
    rows = [row(pictures, number % 2) for number in range(6)]
    rows[3]["image"]["bytes"] = b"text"
    rows[4]["image"] = None
    file = write_rows(tmp_path / "train-0.parquet", rows)
    with pytest.raises(FaultyData, match=r"train-0\.parquet#4: it is empty; train-0\.parquet#3: "):
        loaded(file)
    data = loaded(file, skip_broken=True)
    assert (len(data.train_labels), data.left_out) == (4, 2)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"img": b"", "label": 1}], "must hold a column image.*accepted img | label"),
        ([{"image": b"", "lable": 1}], "must hold a column label.*did you mean lable"),
        ([{"image": b"", "label": 0.5}], "whole numbers or texts as labels; found 0.5"),
        ([{"image": b"", "label": 0}], "at least 2 classes.*labels from 0 to 0"),
        ([{"image": b"", "label": label} for label in (-1, 1)], "labels from -1 to 1"),
        ([{"image": "a.jpg", "label": 0}], "images' bytes in the column image; found str"),
    ],
)
def test_other_tables_are_refused(rows: list[dict[str, Any]], said: str, tmp_path: Path) -> None:
    with pytest.raises(FaultyData, match=said):
        loaded(write_rows(tmp_path / "set" / "train-0.parquet", rows))


def test_files_that_are_none_or_of_no_part_are_refused(files: Path, tmp_path: Path) -> None:
    with pytest.raises(FaultyData, match="must be a folder with Parquet files"):
        loaded(tmp_path / "nowhere")
    (files / "data" / "trian-0.parquet").write_bytes(b"x")
    with pytest.raises(FaultyData, match=r"must hold files train-\*.*trian-0|whole Parquet files"):
        loaded(files)
    (files / "data" / "trian-0.parquet").rename(files / "data" / "train-9.parquet")
    with pytest.raises(FaultyData, match=r"whole Parquet files; found train-9\.parquet"):
        loaded(files)


def test_a_copy_that_has_no_room_is_refused(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        free = 10

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Full)
    with pytest.raises(FaultyData, match=r"must find room below .*TMPDIR.* found 0\.0 GB free"):
        loaded(files)


def test_images_are_read_one_by_one_from_the_copy(files: Path) -> None:
    images = loaded(files, loader={"name": "host"}).train_images
    assert not isinstance(images, torch.Tensor)
    assert images.read(3).shape == (1, 3, 8, 9)
