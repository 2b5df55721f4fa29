"""A study mirrored to a real MLflow store and to W&B offline: number by number the journal's."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from study.files.layout import StudyPaths
from study.inspection.export.mirrors.mirror import Mirror
from study.inspection.export.mirrors.targets import target_of
from study.journal.history import History
from study.journal.journal import read_records

from ..study.fake_cluster import small_spec
from ..study.fake_folder import run_into

pytestmark = [
    pytest.mark.integrations,
    pytest.mark.filterwarnings("default"),  # the libraries' own
]

_BLOCK = 32768
_WHOLE, _LAST = 1, 4


def study_in(folder: Path) -> tuple[StudyPaths, Counter[Any]]:
    """A finished study, and all figures of its epochs."""
    paths, _ = run_into(folder / "studies", small_spec(points=4))
    found: Counter[Any] = Counter()
    for trial in History(read_records(paths.journal)).trials:
        for row in trial.rows:
            for name in ("val_accuracy", "val_loss", "seconds"):
                found[trial.number, name, row["epoch"], row[name]] += 1
    return paths, found


def mirror_twice(paths: StudyPaths, to: str) -> None:
    for _ in range(2):  # the second mirror finds all of it there
        with target_of(to, paths.name) as target:
            Mirror(paths, target).bring_up_to_date()


def test_mlflow_has_each_number_once(tmp_path: Path) -> None:
    tracking = pytest.importorskip("mlflow.tracking", reason="make integrations")
    paths, expected = study_in(tmp_path)
    uri = f"sqlite:///{tmp_path}/runs.db"
    mirror_twice(paths, f"mlflow:{uri}")
    client = tracking.MlflowClient(uri)
    experiment = client.get_experiment_by_name(paths.name)
    found: Counter[Any] = Counter()
    for run in client.search_runs([experiment.experiment_id]):
        kind, _, number = run.data.tags["study.key"].partition("-")
        if kind != "trial":
            continue
        assert "optimizer.name" in run.data.params
        assert run.data.tags["mlflow.parentRunId"]
        for name in run.data.metrics:
            if not name.startswith("end."):
                for metric in client.get_metric_history(run.info.run_id, name):
                    found[int(number), name, metric.step, metric.value] += 1
    assert found == expected


def test_wandb_has_each_number_once_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="make integrations")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    paths, expected = study_in(tmp_path)
    mirror_twice(paths, "wandb")
    found: Counter[Any] = Counter()
    for file in tmp_path.glob("wandb/offline-run-*/run-*.wandb"):
        number = -1
        for record in wandb_records(file):
            if record.WhichOneof("record_type") == "run":
                number = int(record.run.display_name.removeprefix("trial-"))
            if record.WhichOneof("record_type") == "history":
                items = {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json)
                    for item in record.history.item
                }
                for name in ("val_accuracy", "val_loss", "seconds"):
                    found[number, name, items["_step"], items[name]] += 1
    assert found == expected


def wandb_records(file: Path) -> list[Any]:
    """The records of W&B's own file: blocks of parts, each with its length and place."""
    from wandb.proto import wandb_internal_pb2

    data, at, part, found = file.read_bytes(), 7, b"", []
    while at + 7 <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < 7:
            at += left
            continue
        _, length, place = struct.unpack("<IHB", data[at : at + 7])
        if place == 0:
            break
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if place in (_WHOLE, _LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(part)
            found.append(record)
            part = b""
    return found
