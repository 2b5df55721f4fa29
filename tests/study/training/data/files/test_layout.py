"""Folders become parts and classes, and what is wrong with them is told before anything is run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from study.files.local_storage import LocalPath
from study.training.data.files.layout import PARTS, Layout, lay_out
from study.training.data.files.listing import list_files


def laid_out(root: Path, names: str, test_fraction: float | None = None) -> Layout | list[str]:
    """Make these files, folders being those that end in a slash, and lay out all that is there."""
    for name in names.split():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            (root / name).mkdir()
        else:
            (root / name).write_bytes(b"x")
    place = LocalPath(root)
    layout, faults = lay_out(place, list_files(place).files, test_fraction)
    return layout or [str(fault) for fault in faults]


def rows(layout: Layout | list[str]) -> list[str]:
    assert isinstance(layout, Layout)
    columns = zip(layout.parts, layout.labels, layout.files, strict=True)
    return [f"{PARTS[part]} {layout.classes[label]} {file.name}" for part, label, file in columns]


def test_parts_and_classes_are_folders(tmp_path: Path) -> None:
    names = "train/dog/1.jpg train/cat/2.JPEG train/cat/deep/3.png val/dog/4.gif test/cat/5.webp"
    assert rows(laid_out(tmp_path, names)) == [
        "train cat train/cat/2.JPEG",
        "train cat train/cat/deep/3.png",
        "train dog train/dog/1.jpg",
        "val dog val/dog/4.gif",
        "test cat test/cat/5.webp",
    ]


def test_without_parts_all_train(tmp_path: Path) -> None:
    names = "dog/1.jpg cat/2.bmp .cache/3.jpg dog/._1.jpg cat/readme.txt cat/Thumbs.db loose.jpg"
    layout = laid_out(tmp_path, names)
    assert rows(layout) == ["train cat cat/2.bmp", "train dog dog/1.jpg"]
    assert isinstance(layout, Layout)
    assert set(layout.left_out) == {"cat/Thumbs.db", "cat/readme.txt", "loose.jpg"}


def test_the_test_share_is_of_each_class_and_stays_where_files_are_added(tmp_path: Path) -> None:
    names = " ".join(f"{name}/{number}.png" for name in ("a", "b") for number in range(20))
    tested = {row for row in rows(laid_out(tmp_path, names, 0.25)) if row.startswith("test")}
    assert sum(" a " in row for row in tested) == sum(" b " in row for row in tested) == 5
    more = {row for row in rows(laid_out(tmp_path, "a/new.png", 0.25)) if row.startswith("test")}
    assert len(tested & more) >= 9


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ("readme.txt", "path: must hold images"),
        ("1.jpg 2.jpg", "path: must hold a folder for each class; found 2 images in"),
        ("cat/1.jpg", "must hold at least 2 classes, a folder each; found cat in"),
        ("cat/1.jpg dog/2.jpg bird/", "must hold images in the folder of each class; found none"),
        ("trian/a/1.jpg trian/b/1.jpg test/a/1.jpg", "train beside its other parts.*mean trian"),
        ("train/a/1.jpg train/b/1.jpg tset/a/1.jpg", "no folders but train.*mean test"),
        ("train/cat/1.jpg train/dog/1.jpg val/cta/1.jpg", "found cta with 1 images .*mean cat"),
    ],
)
def test_folders_that_are_no_set_are_refused(names: str, said: str, tmp_path: Path) -> None:
    faults = laid_out(tmp_path / "pictures", names)
    assert isinstance(faults, list)
    assert len(faults) == 1
    assert re.search(said, faults[0]), faults[0]


def test_a_folder_that_is_missing_has_its_neighbors_name_proposed(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    place = LocalPath(tmp_path / "picturs")
    _, faults = lay_out(place, list_files(place).files, None)
    assert "did you mean pictures?" in str(faults[0])


def test_a_test_share_beside_a_test_folder_is_refused(tmp_path: Path) -> None:
    faults = laid_out(tmp_path, "train/a/1.jpg train/b/1.jpg test/a/1.jpg", 0.5)
    assert isinstance(faults, list)
    assert faults[0].startswith("test_fraction: must be left out beside a folder test")
