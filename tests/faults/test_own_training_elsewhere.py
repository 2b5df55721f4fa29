"""A training of one's own where neither its code nor the study's folder is at first: on the nodes of
a cluster, in an object store.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pandas as pd
import pytest

from study.files.layout import StudyPaths
from study.files.object_storage import ObjectPath
from study.journal.history import History
from study.journal.journal import read_records

from ..study.command import run
from ..study.ray_cluster import ray_cluster
from ..study.test_own_training import CODE, STUDY

pytestmark = pytest.mark.faults


def test_code_is_shipped_to_the_nodes_and_what_comes_of_it_lies_in_the_store(
    tmp_path: Path, bucket: ObjectPath
) -> None:
    (tmp_path / "line.py").write_text(CODE)
    (tmp_path / "tiny.yaml").write_text(json.dumps(STUDY))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    where = ("--storage", str(bucket))
    with ray_cluster([{"num_cpus": 1}, {"num_cpus": 1}], PATH=path) as cluster:
        words = (*where, "--address", cluster.dashboard, "--wait", "--ship-code")
        said = run(tmp_path, "submit", "tiny.yaml", *words).stdout
    assert "exit code 0" in said
    paths = StudyPaths(bucket, "tiny")
    history = History(read_records(paths.journal))
    assert {point.state for point in history.points} == {"COMPLETE", "PRUNED"}
    assert len({trial.attempt.node for trial in history.trials}) == 2
    assert sum(trial.kind == "confirm" for trial in history.trials) == 2
    assert all(trial.attempt.code for trial in history.trials)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run(elsewhere, "export", "tiny", "--to", "best", *where)
    assert (elsewhere / "best" / "kept" / "note.txt").read_text() == "done"
    run(elsewhere, "report", "tiny", *where)
    trials = pd.read_parquet(f"{paths.results}/trials.parquet")
    assert {"lr", "optimizer.name", "fit_best", "error_last"} <= set(trials.columns)
