"""The code that is sent to nodes which don't have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.cluster.code_package import code_package
from study.spec.load import spec_from_tree


def test_this_package_and_the_modules_that_the_study_names_go_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("")
    (tmp_path / "ours" / "__pycache__").mkdir(parents=True)
    (tmp_path / "ours" / "nets.py").write_text("")
    (tmp_path / "unnamed.py").write_text("")
    tree = {"study": "s", "points": 2, "recipe": {"epochs": 1}}
    space = {"model": {"name": {"choice": ["mine:net", "ours.nets:net"]}}}
    with code_package(spec_from_tree(tree | {"space": space})) as folder:
        names = {path.name for path in folder.iterdir()}
        assert names == {"study", "search_spaces", "analysis", "mine.py", "ours"}
        assert (folder / "study" / "spec" / "templates" / "study.yaml").exists()
        assert [path.name for path in (folder / "ours").iterdir()] == ["nets.py"]
    assert not folder.exists()


def test_nothing_private_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    package = work / "ours"
    (package / ".git").mkdir(parents=True)
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "id_rsa").write_text("secret")
    (package / ".env").write_text("secret")
    (package / ".git" / "config").write_text("secret")
    (package / "keys").symlink_to(home / "keys")
    (package / "key.py").symlink_to(home / "keys" / "id_rsa")
    (package / "nets.py").write_text("")
    monkeypatch.chdir(work)
    tree = {"study": "s", "points": 2, "recipe": {"epochs": 1}}
    space = {"model": {"name": {"choice": ["mine:net", "ours.nets:net"]}}}
    with code_package(spec_from_tree(tree | {"space": space})) as folder:
        sent = {str(path.relative_to(folder / "ours")) for path in (folder / "ours").rglob("*")}
    assert sent == {"nets.py"}
