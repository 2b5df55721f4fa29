"""That figures are found under what they depend on alone, and a damaged file holds none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from study.results.kept_figures import KeptFigures, hash_of

FIGURES = KeptFigures("figures.json", most=3)


@pytest.fixture(autouse=True)
def kept_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ray-study" / "figures.json"


def test_what_is_kept_is_found_and_nothing_else(kept_in: Path) -> None:
    FIGURES.keep("a", [0.1, {"b": None}])
    FIGURES.keep("c", 1)
    assert (FIGURES.find("a"), FIGURES.find("c")) == ([0.1, {"b": None}], 1)
    assert FIGURES.find("b") is None
    assert KeptFigures("others.json", most=3).find("a") is None
    assert kept_in.stat().st_mode & 0o777 == 0o600
    assert kept_in.parent.stat().st_mode & 0o777 == 0o700


def test_the_oldest_are_let_go_of() -> None:
    for key in "abcde":
        FIGURES.keep(key, key)
    assert [FIGURES.find(key) for key in "abcde"] == [None, None, "c", "d", "e"]


@pytest.mark.parametrize("content", ["", "[]", "1", "{", "\udcff", "[" * 100_000])
def test_a_file_that_is_damaged_holds_nothing_and_is_written_anew(
    content: str, kept_in: Path
) -> None:
    kept_in.parent.mkdir()
    kept_in.write_bytes(content.encode(errors="surrogateescape"))
    assert FIGURES.find("a") is None
    FIGURES.keep("a", 1)
    assert json.loads(kept_in.read_text()) == {"a": 1}


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "ray-study").write_text("a file where the folder would be")
    FIGURES.keep("a", 1)
    assert FIGURES.find("a") is None


def test_a_relative_folder_is_no_users_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    FIGURES.keep("a", 1)
    assert os.listdir(tmp_path) == [".cache"]


def test_a_hash_tells_parts_apart() -> None:
    hashes = {hash_of("ab", "c"), hash_of("a", "bc"), hash_of("abc"), hash_of("c", "ab")}
    assert len(hashes) == 4
    assert hash_of("ab", "c") == hash_of(b"ab", b"c")
