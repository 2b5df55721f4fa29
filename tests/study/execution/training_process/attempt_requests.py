"""What the process of an attempt is asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from study.execution.training_process.child import Request


def request_of(train: str, folder: Path, **changes: Any) -> Request:
    """The first attempt at a training function, alone on a core, with all that it has in a folder."""
    request = {
        "kind": "begin",
        "train": train,
        "config": {},
        "seed": 0,
        "epochs": None,
        "attempt": 1,
        "reported": 0,
        "owner": "",
        "checkpoints": str(folder / "checkpoints"),
        "kept": str(folder / "kept"),
        "folder": str(folder),
        "data_dir": None,
        "objectives": [],
        "best_by": None,
        "cpus": 1,
        "gpus": 0,
        "path": [],
        "data_hash": "",
        "run": "",
        "rank": 0,
        "workers": 1,
        "host": "",
        "join_s": 60.0,
    }
    unknown = changes.keys() - request.keys()
    assert not unknown, unknown
    return cast("Request", request | changes)
