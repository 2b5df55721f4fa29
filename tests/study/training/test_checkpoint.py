"""Checkpoints are whole or absent, checked when read, and never unpickled."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from study.errors import StorageFault
from study.files.local_storage import LocalPath
from study.training.checkpoint import Checkpoints, NoCheckpoints


def test_the_two_newest_are_kept_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    store = Checkpoints(LocalPath(tmp_path / "new" / "folder"))
    assert store.latest() is None
    store.folder.mkdir(parents=True)
    (store.folder / ".attempt-0001-epoch-000001.ckpt.x1y2").write_bytes(b"left by a kill")
    for epoch in range(1, 5):
        store.save(epoch, {"epoch": epoch, "weights": torch.full((3,), float(epoch))})
    assert sorted(path.name for path in store.folder.iterdir()) == [
        "attempt-0001-epoch-000003.ckpt",
        "attempt-0001-epoch-000004.ckpt",
    ]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in store.folder.iterdir())
    latest = store.latest()
    assert latest is not None
    assert latest["epoch"] == 4
    assert torch.equal(latest["weights"], torch.full((3,), 4.0))


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "gone"])
def test_a_damaged_newest_makes_way_for_the_one_before(tmp_path: Path, damage: str) -> None:
    store = Checkpoints(LocalPath(tmp_path))
    store.save(1, {"epoch": 1})
    store.save(2, {"epoch": 2})
    path = store.path(2)
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        changed = content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
        path.write_bytes({"cut": content[:-7], "changed": changed, "empty": b""}[damage])
    assert store.latest() == {"epoch": 1}


def test_all_damaged_is_no_checkpoint(tmp_path: Path) -> None:
    store = Checkpoints(LocalPath(tmp_path))
    store.save(1, {"epoch": 1})
    store.path(1).write_bytes(b"nonsense")
    assert store.latest() is None


def test_a_pickle_in_a_checkpoints_place_does_not_run(tmp_path: Path) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w')",)

    buffer = io.BytesIO()
    torch.save({"epoch": Attack()}, buffer)
    Checkpoints(LocalPath(tmp_path)).path(1).write_bytes(
        hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue()
    )
    assert Checkpoints(LocalPath(tmp_path)).latest() is None
    assert not (tmp_path / "ran").exists()


def test_what_the_storage_does_not_give_at_the_moment_is_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Checkpoints(LocalPath(tmp_path))
    store.save(49, {"epoch": 49})
    store.save(50, {"epoch": 50})
    with monkeypatch.context() as patch:
        patch.setattr(LocalPath, "read_bytes", refuse)
        with pytest.raises(OSError, match="Input/output error"):
            Checkpoints(LocalPath(tmp_path), attempt=2).latest()
    assert Checkpoints(LocalPath(tmp_path), attempt=2).latest() == {"epoch": 50}


def refuse(path: Path) -> bytes:
    raise OSError(errno.EIO, "Input/output error", str(path))


def test_another_trials_checkpoint_makes_way_for_ones_own(tmp_path: Path) -> None:
    own = Checkpoints(LocalPath(tmp_path / "own"), owner="trial 0")
    other = Checkpoints(LocalPath(tmp_path / "other"), owner="trial 1")
    own.save(1, {"epoch": 1})
    other.save(2, {"epoch": 2})
    own.path(2).write_bytes(other.path(2).read_bytes())
    assert own.latest() == {"epoch": 1}
    assert other.latest() == {"epoch": 2}
    assert Checkpoints(LocalPath(tmp_path / "other")).latest() == {"epoch": 2}


def test_a_checkpoint_that_names_no_owner_is_anybodys(tmp_path: Path) -> None:
    Checkpoints(LocalPath(tmp_path)).save(1, {"epoch": 1})
    assert Checkpoints(LocalPath(tmp_path), owner="trial 0").latest() == {"epoch": 1}


def test_the_last_checkpoints_are_looked_for_again_where_they_went_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Checkpoints(LocalPath(tmp_path))
    store.save(1, {"epoch": 1})
    listed = store.newest_first()
    store.save(2, {"epoch": 2})
    store.save(3, {"epoch": 3})  # by which the first one is gone
    lists = iter([listed, store.newest_first()])
    monkeypatch.setattr(store, "newest_first", lambda: next(lists))
    assert store.latest() == {"epoch": 3}


def test_old_ones_are_looked_for_only_where_there_may_be_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[LocalPath] = []
    files_below = LocalPath.files_below

    def noted(path: LocalPath) -> Iterator[tuple[str, ...]]:
        looks.append(path)
        return files_below(path)

    monkeypatch.setattr(LocalPath, "files_below", noted)
    store = Checkpoints(LocalPath(tmp_path))
    assert store.latest() is None
    looks_after_saving = []
    for epoch in range(1, 5):
        store.save(epoch, {"epoch": epoch})
        looks_after_saving.append(len(looks))
    assert looks_after_saving == [1, 1, 2, 3], "each is a request to an object store"
    assert {path.name for path in tmp_path.iterdir()} == {store.path(3).name, store.path(4).name}


def test_a_worker_that_lives_on_removes_no_checkpoint_of_its_successor(tmp_path: Path) -> None:
    successor = Checkpoints(LocalPath(tmp_path), attempt=2)
    successor.save(1, {"epoch": 1})
    for epoch in range(2, 5):  # its own go on from further epochs
        Checkpoints(LocalPath(tmp_path), attempt=1).save(epoch, {"epoch": epoch})
    assert successor.path(1).exists()
    assert successor.latest() == {"epoch": 1}


def test_what_a_successor_is_writing_stays(tmp_path: Path) -> None:
    own, later = (tmp_path / f".attempt-{n:04d}-epoch-000002.ckpt.x1y2" for n in (1, 2))
    own.write_bytes(b"left by a kill")
    later.write_bytes(b"half of it")
    Checkpoints(LocalPath(tmp_path), attempt=1).save(3, {"epoch": 3})
    assert not own.exists()
    assert later.exists()


def test_a_write_that_fails_is_a_storage_fault_and_leaves_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Checkpoints(LocalPath(tmp_path))
    store.save(1, {"epoch": 1})

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("study.files.atomic.os.replace", full)
    with pytest.raises(StorageFault, match="No space left on device"):
        store.save(2, {"epoch": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["attempt-0001-epoch-000001.ckpt"]
    assert store.latest() == {"epoch": 1}


def test_what_is_gone_on_from_is_durable_though_its_writer_met_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Checkpoints(LocalPath(tmp_path))
    assert store.take_up() is None
    store.folder.make_folder()
    sync, synced = os.fsync, []

    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse_folders)
        with pytest.raises(StorageFault):
            store.save(1, {"epoch": 1})
        with pytest.raises(OSError, match="Input/output"):
            Checkpoints(store.folder, attempt=2).take_up()
    monkeypatch.setattr(os, "fsync", note)
    assert Checkpoints(store.folder, attempt=2).take_up() == {"epoch": 1}
    assert synced == [tmp_path.stat().st_ino]


def test_off_is_an_object() -> None:
    store = NoCheckpoints()
    store.save(1, {"epoch": 1})
    assert store.latest() is None
