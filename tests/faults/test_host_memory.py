"""A machine whose memory runs out: Ray's monitor kills a worker, and the study goes on."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from ..study.command import history_of, outcome, run, write_study

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

SPARE_BYTES = 5 * 2**30
MODEL = """
import time
from pathlib import Path
import numpy as np
from torch import nn

MARK = Path({mark!r})

class Hungry(nn.Sequential):
    def forward(self, images):
        if self.training and not images.is_meta:
            time.sleep(0.05)
            if not MARK.exists():
                MARK.touch()
                hoard = []
                for _ in range(80):
                    hoard.append(np.ones(2**24))  # 128 MiB
                    time.sleep(0.1)
                time.sleep(60)
        return super().forward(images)

def factory(image_shape, classes, **options):
    channels, height, width = image_shape
    return Hungry(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""


def study(folder: Path) -> Path:
    folder.mkdir()
    (folder / "hungry.py").write_text(MODEL.format(mark=str(folder / "fed")))
    recipe = {
        "epochs": 10,
        "data": {"name": "digits", "train_images": 400, "batch_size": 32},
        "model": "hungry:factory",
    }
    write_study(folder, points=4, pruner="none", recipe=recipe)
    return folder


def test_a_worker_that_is_killed_for_memory_is_tried_again_and_the_study_goes_on(
    tmp_path: Path,
) -> None:
    whole, short = study(tmp_path / "whole"), study(tmp_path / "short")
    (whole / "fed").touch()
    run(whole, "run", "tiny.yaml")
    memory = psutil.virtual_memory()
    threshold = (memory.total - memory.available + SPARE_BYTES) / memory.total
    run(short, "run", "tiny.yaml", RAY_memory_usage_threshold=f"{threshold:.4f}")
    history = history_of(short)
    assert [point.state for point in history.points] == ["COMPLETE"] * 4
    failures = [
        attempt.failure for trial in history.trials for attempt in trial.attempts if attempt.failure
    ]
    hungry = [failure for failure in failures if failure.failure_class == "out_of_memory"]
    assert hungry  # more than one where other work on the machine grew meanwhile
    assert "the machine's memory ran out" in hungry[0].message
    assert {failure.failure_class for failure in failures} <= {"out_of_memory", "node"}
    assert max(len(trial.attempts) for trial in history.trials) == 2
    assert [point[1] for point in outcome(history)] == [
        point[1] for point in outcome(history_of(whole))
    ]
