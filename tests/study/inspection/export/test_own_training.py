"""An own training's trial, taken home as plain files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath
from study.inspection.export.own_training import export_own_training
from study.training.checkpoint import Checkpoints
from study.training.own.kept import keep_copy

CONFIG = {"lr": 0.1, "optimizer": {"name": "sgd"}}


def state(value: float) -> dict[str, Any]:
    weight = torch.full((2, 2), value)
    return {
        "model": {"weight": weight, "same": weight},
        "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "groups": [{"lr": 0.1}]},
        "name": "net",
    }


def save(storage: StoragePath, **more: Any) -> None:
    content = {"epoch": 3, "seconds": 1.0, "history": [], "state": state(1.0), "random": {}}
    Checkpoints(storage / "checkpoints").save(3, content | more)


def test_a_state_becomes_tensors_and_plain_data_by_where_they_lie_in_it(tmp_path: Path) -> None:
    storage = LocalPath(tmp_path)
    save(storage)
    done = export_own_training(
        storage / "checkpoints", storage / "kept", CONFIG, tmp_path / "taken"
    )
    assert (done.epoch, done.kept) == (3, ())
    assert done.files == ("config.json", "state.safetensors", "state.json")
    assert json.loads((tmp_path / "taken" / "config.json").read_text()) == CONFIG
    tensors = load_file(tmp_path / "taken" / "state.safetensors")
    assert tensors.keys() == {"model.weight", "model.same", "optimizer.state.0.step"}
    assert tensors["model.weight"].tolist() == [[1.0, 1.0], [1.0, 1.0]]
    rest = json.loads((tmp_path / "taken" / "state.json").read_text())
    assert rest == {"optimizer.groups.0.lr": 0.1, "name": "net"}


def test_the_best_epochs_state_is_taken_where_there_is_one(tmp_path: Path) -> None:
    storage = LocalPath(tmp_path)
    save(storage, best={"epoch": 2, "value": 0.5, "state": state(7.0)})
    done = export_own_training(
        storage / "checkpoints", storage / "kept", CONFIG, tmp_path / "taken"
    )
    assert done.epoch == 2
    tensors = load_file(tmp_path / "taken" / "state.safetensors")
    assert tensors["model.weight"][0, 0].item() == 7.0


@pytest.mark.parametrize("is_remote", [False, True])
def test_what_was_kept_is_copied_out(
    is_remote: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    storage: StoragePath = LocalPath(tmp_path / "study")
    if is_remote:
        bucket: ObjectPath = request.getfixturevalue("bucket")
        storage = bucket
    else:
        (tmp_path / "study").mkdir()
    adapter = tmp_path / "adapter"
    (adapter / "deep").mkdir(parents=True)
    (adapter / "deep" / "a.txt").write_text("a")
    (tmp_path / "note.txt").write_text("note")
    keep_copy(storage / "kept", adapter, "adapter")
    keep_copy(storage / "kept", tmp_path / "note.txt", "note.txt")
    done = export_own_training(
        storage / "checkpoints", storage / "kept", CONFIG, tmp_path / "taken"
    )
    assert (done.epoch, done.kept) == (None, ("adapter", "note.txt"))
    assert (tmp_path / "taken" / "kept" / "adapter" / "deep" / "a.txt").read_text() == "a"
    assert (tmp_path / "taken" / "kept" / "note.txt").read_text() == "note"
    assert "without a state" in next(done.notes("taken"))
