"""Each shipped study of published experiments runs to its end on a CPU, scaled down, through the
command line.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

pytestmark = [pytest.mark.published, pytest.mark.timeout(3600)]

SCALED_DOWN = {
    "recipe.epochs": "1",
    "recipe.data.train_images": "256",
    "recipe.data.test_images": "64",
    "recipe.data.eval_batch_size": "64",
    "recipe.data.loader.name": "device",
    "recipe.model.pretrained": "false",
    "resources.cpus": "1",
    "resources.gpus": "0",
    "concurrency": "2",
}
FURTHER: dict[str, dict[str, str]] = {
    # 224 pixels a side are fifty times the work of 32, and a CPU takes fifteen times as long in
    # fp16 as in fp32
    "annt_replica": {"recipe.data.image_size": "32", "recipe.precision": "bf16"},
    "annt_factorial": {
        "recipe.model.width": "0.25",
        "recipe.data.train_images": "64",
        "replicates": "1",
    },
    "cifar10_fast": {"recipe.data.batch_size": "64", "replicates": "1"},
    "deepstudy_googlenet": {"recipe.data.train_images": "64"},
    "deepstudy_resnet": {"recipe.data.train_images": "128"},
    "recipes": {"points": "12"},
}
POINTS = {
    "annt_factorial": 8,
    "annt_replica": 12,
    "cifar10_fast": 1,
    "deepstudy_googlenet": 6,
    "deepstudy_resnet": 3,
    "flux_vgg16_resnet18": 4,
    "knet_stopping": 17,
    "mobilenet_v1_width": 12,
    "recipes": 12,
}
DIVERGENCE_ALLOWED = {"recipes"}
"""Studies whose points are drawn: a rate may be too high for a network without norms."""


def command(study: str, storage: Path, data_dir: Path) -> list[str]:
    sets = SCALED_DOWN | FURTHER.get(study, {})
    if study == "annt_factorial":
        del sets["recipe.data.loader.name"]  # pinned memory is what it varies
    options = [part for key, value in sets.items() for part in ("--set", f"{key}={value}")]
    tool = Path(sys.executable).with_name("study")
    return [
        str(tool),
        "run",
        study,
        "--storage",
        str(storage),
        "--data-dir",
        str(data_dir),
        *options,
    ]


@pytest.mark.parametrize("study", POINTS)
def test_runs_to_its_end_on_a_cpu(study: str, tmp_path: Path, data_dir: Path) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ended = subprocess.run(
        command(study, tmp_path, data_dir), env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-4000:]
    trials = pd.read_parquet(tmp_path / study / "results" / "trials.parquet")
    assert len(trials) == POINTS[study]
    failed = trials[trials["state"] == "FAIL"]
    if study in DIVERGENCE_ALLOWED:
        failed = failed[failed["failure"] != "diverged"]
    assert failed.empty, failed[["trial", "failure", "model.name"]].to_string()
