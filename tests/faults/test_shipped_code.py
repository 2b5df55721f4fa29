"""A cluster whose nodes get the code from whoever submits."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ..study.command import run, write_study
from ..study.ray_cluster import ray_cluster

pytestmark = pytest.mark.faults

NETWORK = """
from torch import nn


def small(image_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))
"""


def test_code_is_shipped_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "mynet.py").write_text(NETWORK)
    recipe = {"epochs": 1, "data": {"name": "digits"}, "model": "mynet:small"}
    file = write_study(tmp_path, study="shipped", points=1, concurrency=1, recipe=recipe)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with ray_cluster([], head_cpus=1, PATH=path) as cluster:
        words = ("--storage", str(tmp_path / "studies"), "--address", cluster.dashboard, "--wait")
        said = run(tmp_path, "submit", str(file), *words, "--ship-code").stdout
    assert "COMPLETE" in said
    assert "exit code 0" in said
