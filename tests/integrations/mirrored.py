"""Every number of a study's epochs, and every one that MLflow and W&B have of its mirror."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

from study.files.layout import StudyPaths
from study.journal.history import History
from study.journal.journal import read_records

Numbers = Counter[tuple[int, str, int, float]]
"""Trial, metric, epoch and value, and how often each is there."""

_NO_METRICS = {"epoch", "attempt", "time"}
_NO_METRICS_OF_WANDB = {"_step", "_runtime", "_timestamp", "reported"}
_BLOCK = 32768
_WHOLE, _LAST = 1, 4


def in_journal(paths: StudyPaths) -> Numbers:
    """All numbers of all epochs that count."""
    found: Numbers = Counter()
    for trial in History(read_records(paths.journal)).trials:
        for row in trial.rows:
            for name, value in row.items():
                if name not in _NO_METRICS and type(value) in (int, float):
                    found[trial.number, name, row["epoch"], float(value)] += 1
    return found


def in_mlflow(uri: str, study: str) -> Numbers:
    """All metrics of the trials' runs at an MLflow server or store; none without the study."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(study)
    found: Numbers = Counter()
    if experiment is None:
        return found
    for run in client.search_runs([experiment.experiment_id]):
        kind, _, number = run.data.tags["study.key"].partition("-")
        for name in run.data.metrics if kind == "trial" else ():
            if name.startswith("end."):
                continue
            for metric in client.get_metric_history(run.info.run_id, name):
                found[int(number), name, metric.step, metric.value] += 1
    return found


def in_wandb(folder: Path) -> Numbers:
    """All figures in the history of the runs that W&B has written offline."""
    found: Numbers = Counter()
    for file in folder.glob("wandb/offline-run-*/run-*.wandb"):
        number = -1
        for record in _wandb_records(file):
            if record.WhichOneof("record_type") == "run":
                number = int(record.run.display_name.removeprefix("trial-"))
            if record.WhichOneof("record_type") == "history":
                items = {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json)
                    for item in record.history.item
                }
                for name in items.keys() - _NO_METRICS_OF_WANDB:
                    found[number, name, items["_step"], float(items[name])] += 1
    return found


def _wandb_records(file: Path) -> list[Any]:
    """The records of W&B's own file, as far as it is written: blocks of parts, each with its
    length and place.
    """
    from wandb.proto import wandb_internal_pb2

    data, at, part, found = file.read_bytes(), 7, b"", []
    while at + 7 <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < 7:
            at += left
            continue
        _, length, place = struct.unpack("<IHB", data[at : at + 7])
        if place == 0 or at + 7 + length > len(data):
            break
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if place in (_WHOLE, _LAST):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(part)
            found.append(record)
            part = b""
    return found
