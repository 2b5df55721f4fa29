"""Checkpoints are whole or absent, checked when read, and never unpickled."""

from __future__ import annotations

import hashlib
import io
import pickle  # noqa: TID251  a file that must not be unpickled is made here
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
    with pytest.raises(pickle.UnpicklingError):
        Checkpoints(LocalPath(tmp_path)).latest()
    assert not (tmp_path / "ran").exists()


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


def test_off_is_an_object() -> None:
    store = NoCheckpoints()
    store.save(1, {"epoch": 1})
    assert store.latest() is None
