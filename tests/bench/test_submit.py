"""Two hundred short trials on a cluster that is there: from ``study submit`` to the end, and where
the time goes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.journal import read_records

from ..study.command import run, write_study
from ..study.ray_cluster import RayCluster, ray_cluster
from .board import Board
from .trees import CHILDREN, HERE, told

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
TRIALS = int(os.environ.get("BENCH_SUBMITTED", "200"))
SECRETS = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a-token-for-measurements-" + 20 * "x"}
SHORT = {"epochs": 1, "model": "mlp", "data": {"name": "digits", "train_images": 800}}
"""About 0.06 s of training."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with ray_cluster([{"num_cpus": 1}, {"num_cpus": 1}], PATH=path, **SECRETS) as found:
        yield found


def submit(folder: Path, name: str, points: int) -> tuple[float, list[dict[str, Any]]]:
    """When a study was submitted, and what its journal holds when the command has ended."""
    file = write_study(
        folder, study=name, points=points, recipe=SHORT, pruner="none", sampler="random"
    )
    storage = folder / "studies"
    began = time.time()
    run(folder, "submit", str(file), "--storage", str(storage), "--wait")
    return began, read_records(StudyPaths(LocalPath(storage), name).journal)


def test_two_hundred_short_trials_on_a_warm_cluster(
    tmp_path: Path, cluster: RayCluster, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAY_ADDRESS", cluster.dashboard)
    submit(tmp_path, "first", 4)
    began, events = submit(tmp_path, "measured", TRIALS)
    whole = time.time() - began
    times: dict[str, list[float]] = {}
    for event in events:
        times.setdefault(event["event"], []).append(event["time"])
    assert len(times["ended"]) == TRIALS
    what = f"{TRIALS} trials of 0.06 s on a warm cluster, study submit to the end"
    board.at_most(what, whole, 8, "s")
    parts = {
        "to the study's first record": times["created"][0] - began,
        "to the first attempt": times["started"][0] - times["created"][0],
        "to a worker's taking it up": times["placed"][0] - times["started"][0],
        "trials": times["ended"][-1] - times["placed"][0],
        "from the last to the command's end": began + whole - times["ended"][-1],
    }
    for part, seconds in parts.items():
        board.shown(f"- {part}", f"{seconds:.1f} s")
    empty = float(told(HERE, str(CHILDREN / "empty_job.py"), cluster.dashboard).splitlines()[-1])
    board.shown("a job of Ray's own that connects and does nothing", f"{empty:.1f} s")
