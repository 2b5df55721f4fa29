"""One clear line where a set is missing and can't be downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import DataMissing
from study.training.data.datasets import load_data_set
from study.training.recipe.sections import Data
from study.training.runtime.torchvision import torchvision


def offline(*arguments: object, **options: object) -> None:
    """Where torchvision would download from."""
    raise OSError("no network here")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (torchvision.datasets.cifar, torchvision.datasets.mnist):
        for name in ("download_and_extract_archive", "_urlretrieve"):
            monkeypatch.setattr(module, name, offline, raising=False)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist"])
def test_a_missing_set_says_what_was_looked_for_where_and_how_to_provide_it(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(DataMissing) as caught:
        load_data_set(Data(name=name), tmp_path / "none")
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
        load_data_set(Data(name="cifar10"), tmp_path / "mine")
    assert list((tmp_path / "mine").iterdir()) == []
