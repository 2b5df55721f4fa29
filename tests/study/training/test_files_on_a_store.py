"""Images in folders and Parquet files on an object store train as those of a disk do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from study.files.object_storage import ObjectPath
from study.files.storage import ListedFile
from study.training.data.datasets import load_data_set
from study.training.data.files.faults import FaultyData
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import Data, HostLoader
from study.training.runtime.reading import Reading

from .conftest import timeless, trained
from .data.pictures import write_parquet, write_pictures
from .test_resume import assert_resumes

DATA: dict[str, Any] = {"image_size": 8, "batch_size": 10, "augment": "crop_flip"}
ALL: dict[str, Any] = {"train_images": None, "test_images": None}


@pytest.fixture(autouse=True)
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))
    monkeypatch.setattr("study.training.data.host_loader._available_processors", lambda: 2)


def stored(folder: Path, bucket: ObjectPath, name: str) -> str:
    for file in folder.rglob("*.*"):
        place = bucket / name
        for part in file.relative_to(folder).parts:
            place = place / part
        place.write_whole(file.read_bytes())
    return str(bucket / name)


@pytest.mark.parametrize("loader", [{"name": "device"}, {"name": "host", "workers": 2}])
def test_a_folder_on_a_store_trains_and_goes_on_as_one_on_a_disk(
    loader: dict[str, Any], tiny: Callable[..., Recipe], tmp_path: Path, bucket: ObjectPath
) -> None:
    write_pictures(tmp_path / "pictures", 12)
    path = stored(tmp_path / "pictures", bucket, "pictures")
    data = {"name": "folder", "loader": loader, "test_fraction": 0.2, **DATA, **ALL}
    local = tiny(data={**data, "path": str(tmp_path / "pictures")})
    remote = tiny(data={**data, "path": path})
    assert timeless(trained(remote)[0]) == timeless(trained(local)[0])
    assert_resumes(remote, after=2)


def test_parquet_files_on_a_store_train_as_those_on_a_disk(
    tiny: Callable[..., Recipe], tmp_path: Path, bucket: ObjectPath
) -> None:
    write_pictures(tmp_path / "pictures", 12)
    write_parquet(tmp_path / "set", tmp_path / "pictures", "train")
    path = stored(tmp_path / "set", bucket, "set")
    data = {"name": "parquet", "loader": {"name": "host", "workers": 2}, **DATA, **ALL}
    local, remote = (tiny(data={**data, "path": place}) for place in (str(tmp_path / "set"), path))
    assert timeless(trained(remote)[0]) == timeless(trained(local)[0])


@pytest.mark.parametrize("kind", ["folder", "parquet"])
def test_what_is_on_a_store_is_listed_once_by_a_studys_run(
    kind: str, tmp_path: Path, bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "pictures", 6)
    write_parquet(tmp_path / "rows", tmp_path / "pictures", "train")
    local = tmp_path / ("pictures" if kind == "folder" else "rows")
    spec = Data(name=kind, path=stored(local, bucket, "set"), loader=HostLoader())
    listed: list[str] = []
    below = ObjectPath.listed_below

    def counted(place: ObjectPath) -> Iterator[ListedFile]:
        listed.append(str(place))
        return below(place)

    monkeypatch.setattr(ObjectPath, "listed_below", counted)
    counts = []
    for run in ("first", "first", "first", "second", "second", ""):
        assert len(load_data_set(spec, reading=Reading(run=run)).train_labels) == 12
        counts.append(len(listed))
    assert counts == [1, 1, 1, 2, 2, 3]


def test_what_is_on_a_store_is_indexed_again_where_it_has_changed(
    tmp_path: Path, bucket: ObjectPath
) -> None:
    write_pictures(tmp_path / "pictures", 3)
    path = stored(tmp_path / "pictures", bucket, "pictures")
    spec = Data(name="folder", path=path)
    assert len(load_data_set(spec).train_labels) == 6
    (bucket / "pictures" / "dark" / "new.png").write_whole(b"")
    with pytest.raises(FaultyData, match=r"dark/new\.png: it is empty"):
        load_data_set(spec)
    with pytest.raises(FaultyData, match=r"must be a folder that is there.*did you mean pictures"):
        load_data_set(Data(name="folder", path=path.replace("pictures", "picturs")))
