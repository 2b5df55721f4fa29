"""Storages are served under labels of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import UserError
from study.files.local_storage import LocalPath
from study.page.readings.storages import labeled_storages


def test_a_label_is_the_last_part_of_the_path_made_unique(tmp_path: Path) -> None:
    texts = [str(tmp_path / "a" / "lab"), str(tmp_path / "b" / "lab"), "s3://bucket/x/team lab"]
    found = labeled_storages(texts)
    assert list(found) == ["lab", "lab-2", "team-lab"]
    assert found["lab-2"] == LocalPath(tmp_path / "b" / "lab")
    assert str(found["team-lab"]) == "s3://bucket/x/team lab"


def test_a_label_can_be_stated(tmp_path: Path) -> None:
    found = labeled_storages([str(tmp_path / "mine"), f"mine={tmp_path / 'other'}"])
    assert found == {"mine": LocalPath(tmp_path / "other"), "mine-2": LocalPath(tmp_path / "mine")}


def test_one_storage_is_served_once(tmp_path: Path) -> None:
    assert list(labeled_storages([str(tmp_path), str(tmp_path)])) == [tmp_path.name]


def test_two_storages_have_no_one_label(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="two storages have the label x"):
        labeled_storages([f"x={tmp_path}/a", f"x={tmp_path}/b"])


def test_a_bucket_alone_has_a_label_too() -> None:
    assert list(labeled_storages(["s3://bucket"])) == ["studies"]
