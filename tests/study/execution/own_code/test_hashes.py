"""Whether an own training's code is what it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.execution.own_code.hashes import own_code_hash


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "hashed_project"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "segment.py").write_text(
        "import hashed_helpers\nfrom . import nets\nfrom .parts.loss import dice\n"
        "def train(config, session): ...\n"
    )
    (package / "nets.py").write_text("def unet(): ...\n")
    (package / "unused.py").write_text("")
    (package / "parts").mkdir()
    (package / "parts" / "__init__.py").write_text("")
    (package / "parts" / "loss.py").write_text("def dice(): ...\n")
    (tmp_path / "hashed_helpers.py").write_text("import os\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found() -> str:
    return own_code_hash("hashed_project.segment:train")


@pytest.mark.parametrize(
    "changed",
    [
        "hashed_project/__init__.py",
        "hashed_project/segment.py",
        "hashed_project/nets.py",
        "hashed_project/parts/loss.py",
        "hashed_helpers.py",
    ],
)
def test_a_change_of_whatever_the_function_imports_changes_the_hash(
    folder: Path, changed: str
) -> None:
    before = found()
    path = folder / changed
    path.write_text(path.read_text() + "# changed\n")
    assert len(before) == 64
    assert found() != before


def test_other_files_do_not_change_it(folder: Path) -> None:
    before = found()
    (folder / "hashed_project" / "unused.py").write_text("other = 1\n")
    (folder / "notes.py").write_text("")
    assert found() == before


def test_a_module_that_can_not_be_read_is_hashed_all_the_same(folder: Path) -> None:
    (folder / "hashed_helpers.py").write_text("not python at all (\n")
    assert len(found()) == 64


def test_what_is_not_there_has_no_hash(folder: Path) -> None:
    assert own_code_hash("no_such_module_anywhere:train") == ""


def test_of_an_installed_package_its_own_modules_count() -> None:
    assert len(own_code_hash("yaml.nodes:Node")) in (0, 64)
    assert len(own_code_hash("optuna.trial:Trial")) == 64
