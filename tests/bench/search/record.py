"""From the studies that recorded them to the tables of curves.

``python -m tests.bench.search.record STORAGE``: of each study file of ``recordings/`` the study
below STORAGE, where there is one, or as many points as it has by now. What an epoch costs is
counted in operations, as on the project's virtual clock: seconds would say how busy the machine was
on that day.
"""

from __future__ import annotations

import itertools
import json
import math
import sys

import pyarrow as pa
import pyarrow.parquet as pq

from study.execution.own_code.costs import own_costs
from study.files.layout import StudyPaths
from study.files.storage_uri import storage_path
from study.journal.outcomes import objective_values
from study.journal.replay import read_history
from study.journal.trials import Point
from study.spec.load import load_spec
from study.spec.spec import StudySpec
from study.training.cost import nominal_cost

from .recorded import EPOCHS, RECORDINGS, SEEDS


def write_curves(name: str, storage: str) -> int:
    """Write the table of one space's points, and give how many there are."""
    spec = load_spec(RECORDINGS / f"{name}.yaml")
    history = read_history(StudyPaths(storage_path(storage), spec.study).journal)
    points = [point for point in history.points if point.has_ended]
    table = pa.table(
        {
            "values": pa.array([json.dumps(dict(point.values)) for point in points]),
            "epoch_cost": pa.array([_cost(spec, point) for point in points], pa.float64()),
            "curves": pa.array(
                [[_curve(spec, point, seed) for seed in range(SEEDS)] for point in points],
                pa.list_(pa.list_(pa.float32())),
            ),
        }
    )
    pq.write_table(table, RECORDINGS / f"{name}.parquet", compression="zstd")
    return len(points)


def _cost(spec: StudySpec, point: Point) -> float:
    training = spec.training(point.values)
    return own_costs(spec)(training.subject) if spec.train else nominal_cost(training.subject)


def _curve(spec: StudySpec, point: Point, seed: int) -> list[float]:
    """A training's objective after each epoch, shorter where it failed.

    The second seed of a point whose first one failed was never run: it is taken to fail as early.
    """
    trial = point.trials.get(seed, point.trials[0])
    epochs = EPOCHS if trial.state == "COMPLETE" else min(trial.epochs, EPOCHS - 1)
    values = [objective_values(trial, spec.objectives, epoch)[0] for epoch in range(1, epochs + 1)]
    return list(itertools.takewhile(math.isfinite, values))


if __name__ == "__main__":
    for file in sorted(RECORDINGS.glob("*.yaml")):
        if StudyPaths(storage_path(sys.argv[1]), load_spec(file).study).journal.exists():
            print(f"{file.stem}: {write_curves(file.stem, sys.argv[1])} points")
