"""Images are read once a node, whoever asks, and fetched once from an object store."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from study.files.object_storage import ObjectPath
from study.training.data import node_cache
from study.training.data.node_cache import cache_folder, fetch_folders, load_shared


@pytest.fixture(autouse=True)
def own_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temp"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "images.bin"
    file.write_bytes(b"1")
    return file


class Reader:
    """Reads the source's one digit, and counts how often."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.calls = 0

    def __call__(self) -> dict[str, Any]:
        self.calls += 1
        return {"images": torch.full((2, 3), int(self.source.read_bytes())), "classes": 10}


def test_what_is_read_once_is_mapped_ever_after(source: Path) -> None:
    read = Reader(source)
    first, again = load_shared("set", [source], read), load_shared("set", [source], read)
    assert read.calls == 1
    assert torch.equal(first["images"], again["images"])
    assert again["classes"] == 10


def test_a_changed_source_is_read_anew(source: Path) -> None:
    read = Reader(source)
    load_shared("set", [source], read)
    source.write_bytes(b"7")
    os.utime(source, ns=(1, 1))
    assert load_shared("set", [source], read)["images"][0, 0] == 7
    assert read.calls == 2


@pytest.mark.parametrize("damage", [b"", b"no zip archive", b"PK\x03\x04 cut short"])
def test_a_damaged_copy_is_made_anew(source: Path, damage: bytes) -> None:
    read = Reader(source)
    load_shared("set", [source], read)
    (file,) = cache_folder().glob("set-*.pt")
    file.write_bytes(damage)
    assert load_shared("set", [source], read)["images"][0, 0] == 1
    assert load_shared("set", [source], read)["classes"] == 10
    assert read.calls == 2


def test_a_copy_whose_bytes_have_flipped_is_made_anew(source: Path) -> None:
    read = Reader(source)

    def is_intact(content: dict[str, Any]) -> bool:
        return bool((content["images"] == int(source.read_bytes())).all())

    load_shared("set", [source], lambda: {"images": torch.full((2, 3), 9), "classes": 10})
    assert load_shared("set", [source], read, is_intact)["images"][0, 0] == 1
    assert load_shared("set", [source], read, is_intact)["images"][0, 0] == 1
    assert read.calls == 1


def test_a_folder_that_is_not_ours_alone_is_not_used(source: Path) -> None:
    cache_folder().chmod(0o777)
    read = Reader(source)
    assert load_shared("set", [source], read)["images"][0, 0] == 1
    assert load_shared("set", [source], read)["images"][0, 0] == 1
    assert read.calls == 2


def test_what_nobody_has_used_for_long_is_removed(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_shared("old", [source], Reader(source))
    monkeypatch.setattr(node_cache, "EXPIRY_S", -1.0)
    load_shared("new", [source], Reader(source))
    assert [file.name.partition("-")[0] for file in cache_folder().glob("*.pt")] == ["new"]


def test_processes_share_the_pages(source: Path) -> None:
    big = torch.zeros(30_000_000, dtype=torch.uint8) + 1
    load_shared("big", [source], lambda: {"images": big})
    script = (
        "import tempfile, sys, pathlib; tempfile.tempdir = sys.argv[1]\n"
        "from study.training.data.node_cache import load_shared\n"
        "images = load_shared('big', [pathlib.Path(sys.argv[2])], dict)['images']\n"
        "assert int(images.sum()) == 30_000_000\n"
        "lines = open('/proc/self/smaps').read().splitlines()\n"
        "at = next(i for i, line in enumerate(lines) if 'big-' in line)\n"
        "copied = next(line for line in lines[at:] if line.startswith('Anonymous:'))\n"
        "print(copied.split()[1])\n"
    )
    temp = str(cache_folder().parent)
    done = subprocess.run(
        [sys.executable, "-c", script, temp, str(source)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == 0


def test_a_folder_on_an_object_store_is_fetched_once(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bucket / "data" / "set" / "raw" / "images.bin").write_whole(b"123")
    (bucket / "data" / "other" / "images.bin").write_whole(b"456")
    folder = fetch_folders(bucket / "data", ("set", "none"))
    assert [
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    ] == ["set/raw/images.bin"]
    monkeypatch.setattr(
        node_cache,
        "copy_folder",
        lambda source, to: pytest.fail(f"{source} again") if "set" in to.name else None,
    )
    assert (
        fetch_folders(bucket / "data", ("set",)) / "set" / "raw" / "images.bin"
    ).read_bytes() == b"123"


def test_a_folder_whose_objects_have_changed_is_fetched_again(bucket: ObjectPath) -> None:
    image = bucket / "data" / "set" / "images.bin"
    image.write_whole(b"old images")
    before = fetch_folders(bucket / "data", ("set",))
    image.write_whole(b"the new ones")
    after = fetch_folders(bucket / "data", ("set",))
    assert (after / "set" / "images.bin").read_bytes() == b"the new ones"
    assert (before / "set" / "images.bin").read_bytes() == b"old images"  # others still read it


def test_fetched_folders_that_nobody_has_used_for_long_are_removed(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bucket / "data" / "old" / "images.bin").write_whole(b"1")
    (bucket / "data" / "new" / "images.bin").write_whole(b"2")
    old = fetch_folders(bucket / "data", ("old",))
    monkeypatch.setattr(node_cache, "EXPIRY_S", -1.0)
    new = fetch_folders(bucket / "data", ("new",))
    assert new.exists()
    assert not old.exists()


def test_what_is_kept_is_renewed_from_the_old_where_it_is_not_current(tmp_path: Path) -> None:
    def keep(current: int) -> dict[str, Any]:
        return node_cache.keep_current(
            "number",
            lambda kept: bool(kept["number"] == current),
            lambda old: {"number": current, "before": old["number"] if old else None},
        )

    assert keep(1) == {"number": 1, "before": None}
    assert keep(1) == {"number": 1, "before": None}
    assert keep(2) == {"number": 2, "before": 1}
    (kept,) = cache_folder().glob("number.pt")
    kept.write_bytes(b"damaged")
    assert keep(2) == {"number": 2, "before": None}


def test_who_waits_for_another_process_is_told_so(tmp_path: Path) -> None:
    waited = threading.Event()
    begun = threading.Event()

    def slowly(old: dict[str, Any] | None) -> dict[str, Any]:
        begun.set()
        assert waited.wait(20)
        return {"number": 1}

    first = threading.Thread(
        target=node_cache.keep_current, args=("number", lambda kept: True, slowly)
    )
    first.start()
    assert begun.wait(20)
    found = node_cache.keep_current("number", lambda kept: True, lambda old: {}, waited.set)
    first.join()
    assert found == {"number": 1}
