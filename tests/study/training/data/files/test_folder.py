"""A folder of images is a data set like any other: indexed once, decoded as it is needed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from study.training.data.datasets import DataSet, load_data_set
from study.training.data.files import image_set, index
from study.training.data.files.faults import FaultyData
from study.training.data.files.image_set import StoredImages
from study.training.data.normalize import channel_statistics
from study.training.recipe.sections import Data
from study.training.runtime.reading import Reading

from ..pictures import write_pictures

STREAMED = {"loader": {"name": "host"}}


class Teller:
    """Keeps what it is told of a reading."""

    def __init__(self, *, is_thorough: bool = False) -> None:
        self.notes: list[tuple[int, int]] = []
        self.reading = Reading(2, is_thorough, lambda done, total: self.notes.append((done, total)))

    @property
    def decoded(self) -> int:
        """How many files were looked at."""
        return self.notes[-1][1] - self.notes[0][0] if self.notes else 0


def loaded(folder: Path, teller: Teller | None = None, **options: Any) -> DataSet:
    spec = Data.model_validate({"name": "folder", "path": folder.name, **options})
    return load_data_set(spec, folder.parent, (teller or Teller()).reading)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "pictures", 6)
    return tmp_path / "pictures"


def stored(data: DataSet) -> StoredImages:
    assert isinstance(data.train_images, StoredImages)
    return data.train_images


def read_all(images: StoredImages) -> torch.Tensor:
    return torch.cat([images.read(place) for place in range(len(images))])


def test_images_in_memory_and_as_they_come_are_the_same(pictures: Path) -> None:
    resident, streamed = loaded(pictures), loaded(pictures, **STREAMED)
    assert isinstance(resident.train_images, torch.Tensor)
    assert torch.equal(resident.train_images, read_all(stored(streamed)))
    assert resident.train_labels.tolist() == streamed.train_labels.tolist() == [0] * 6 + [1] * 6
    assert resident.names == ["bright", "dark"]
    assert resident.image_shape == streamed.image_shape == (3, 8, 9)
    assert resident.fingerprint == streamed.fingerprint
    assert not len(resident.test_labels)


def test_statistics_of_images_that_come_are_those_of_images_in_memory(pictures: Path) -> None:
    resident, streamed = loaded(pictures).train_images, stored(loaded(pictures, **STREAMED))
    assert isinstance(resident, torch.Tensor)
    some = torch.tensor([1, 5, 7])
    wanted, found = channel_statistics(resident[some]), streamed.take(some).statistics()
    assert torch.allclose(wanted.mean, found.mean, atol=1e-6)
    assert torch.allclose(wanted.std, found.std, atol=1e-6)


def test_a_set_too_large_for_memory_is_never_held_there(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_set, "RESIDENT_BYTES", 1000)
    assert len(stored(loaded(pictures))) == 12


def test_an_index_is_made_once_and_only_new_files_are_looked_at_again(pictures: Path) -> None:
    first, second, third = Teller(), Teller(), Teller(is_thorough=True)
    loaded(pictures, first, **STREAMED)
    assert first.decoded == 12
    loaded(pictures, second, **STREAMED)
    assert second.notes == []
    for name in ("000.png", "new.png"):
        Image.new("RGB", (9, 8), "white").save(pictures / "dark" / name)
    data = loaded(pictures, third, **STREAMED)
    assert (third.decoded, len(data.train_labels)) == (2, 13)


def test_a_file_that_was_written_over_is_noticed_when_it_is_read(pictures: Path) -> None:
    images = stored(loaded(pictures, **STREAMED))
    file = pictures / "bright" / "002.png"
    os.utime(file, ns=(1, 1))
    with pytest.raises(index.BrokenImage, match=r"bright/002\.png: it was changed"):
        read_all(images)
    file.unlink()
    with pytest.raises(index.BrokenImage, match=r"bright/002\.png: No such file"):
        read_all(images)


def test_the_same_images_elsewhere_have_the_same_fingerprint(pictures: Path) -> None:
    before = loaded(pictures).fingerprint
    moved = pictures.rename(pictures.parent / "moved")
    assert loaded(moved).fingerprint == before
    Image.new("RGB", (9, 8), "white").save(moved / "dark" / "000.png")
    assert loaded(moved, Teller(is_thorough=True)).fingerprint != before


def test_given_parts_are_used(tmp_path: Path) -> None:
    root = tmp_path / "parts"
    for part, count in (("train", 5), ("val", 3), ("test", 2)):
        write_pictures(root / part, count)
    data = loaded(root)
    assert data.validation_labels is not None
    counts = [len(data.train_labels), len(data.validation_labels), len(data.test_labels)]
    assert counts == [10, 6, 4]
    with pytest.raises(FaultyData, match=r"validation: must be left out where a folder val"):
        loaded(root, validation={"fraction": 0.3})


def test_broken_files_are_named_or_left_out(pictures: Path) -> None:
    (pictures / "dark" / "001.png").write_bytes(b"")
    (pictures / "dark" / "002.png").write_bytes(b"text")
    (pictures / "dark" / "notes.txt").write_bytes(b"text")
    with pytest.raises(FaultyData) as caught:
        loaded(pictures)
    assert caught.value.failure_class == "data"
    assert "dark/001.png: it is empty; dark/002.png: it is no image" in caught.value.message
    for options in ({}, STREAMED):
        data = loaded(pictures, skip_broken=True, **options)
        assert (len(data.train_labels), data.left_out) == (10, 2)
        assert "dark/001.png" in data.notes[0]
        assert "notes.txt" in data.notes[1]


def test_images_of_several_sizes_need_one(pictures: Path) -> None:
    Image.new("RGB", (20, 30)).save(pictures / "dark" / "other.png")
    with pytest.raises(FaultyData, match=r"image_size: must be given.*heights from 8 to 30"):
        loaded(pictures)
    assert loaded(pictures, image_size=12).image_shape == (3, 12, 12)
    assert loaded(pictures, image_size=12, channels=1).image_shape == (1, 12, 12)


def test_the_middle_is_cut_out_where_that_is_asked_for(pictures: Path) -> None:
    wide = Image.new("RGB", (40, 10), "black")
    wide.paste("white", (15, 0, 25, 10))
    wide.save(pictures / "bright" / "wide.png")
    squeezed = loaded(pictures, image_size=10)
    for options in ({}, STREAMED):
        data = loaded(pictures, image_size=10, fit="crop", **options)
        assert data.fingerprint != squeezed.fingerprint
        images = data.train_images
        every = images if isinstance(images, torch.Tensor) else read_all(images)
        assert set(every[6].flatten().tolist()) == {255}
    assert isinstance(squeezed.train_images, torch.Tensor)
    assert squeezed.train_images[6].float().mean() < 80


def test_validation_by_a_test_set_that_is_not_there_is_refused(pictures: Path) -> None:
    with pytest.raises(FaultyData, match="validation: must not be test where there is no test set"):
        loaded(pictures, validation="test")
    assert len(loaded(pictures, validation="test", test_fraction=0.5).test_labels) == 6


def test_of_very_many_files_a_sample_is_decoded_and_of_others_the_header_is_read(
    pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MOST_DECODED", 5)
    monkeypatch.setattr(index, "SAMPLED", 4)
    file = pictures / "dark" / "001.png"
    file.write_bytes(file.read_bytes()[:-30])  # its header is all right
    images = stored(loaded(pictures, **STREAMED))
    states = images.index.states
    assert [int((states == state).sum()) for state in (index.DECODED, index.MEASURED)] == [4, 8]
    assert torch.isfinite(images.take(torch.tensor([1])).statistics().mean).all()
    with pytest.raises(index.BrokenImage, match=r"dark/001\.png"):
        read_all(images)
    with pytest.raises(FaultyData, match=r"dark/001\.png"):
        loaded(pictures)
    data = loaded(pictures, skip_broken=True)
    assert (len(data.train_labels), data.left_out) == (11, 1)


def test_a_path_is_absolute_or_below_the_data_folder(pictures: Path) -> None:
    spec = Data(name="folder", path=str(pictures))
    assert len(load_data_set(spec, "/nowhere").train_labels) == 12
    beside = pictures.parent / "beside"
    beside.mkdir()
    assert len(load_data_set(Data(name="folder", path="../pictures"), beside).train_labels) == 12
