"""What a study's own Ray is started with."""

from __future__ import annotations

import os

import pytest

from study.connection import Connection, python_path
from study.errors import OutsideFault


def test_workers_find_the_modules_that_the_driver_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/mine", "/ours"]))
    assert python_path(["/here"]).split(os.pathsep) == ["/here", "/mine", "/ours"]
    monkeypatch.delenv("PYTHONPATH")
    assert python_path(["/here"]) == "/here"


def test_a_machine_too_busy_for_ray_is_tried_again_and_then_a_fault_of_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[object] = []

    def slow(**options: object) -> None:
        tries.append(options)
        raise Exception("The current node timed out during startup.\nThis could happen")

    monkeypatch.setattr("study.connection.ENVIRONMENT", {})
    monkeypatch.setattr("ray.init", slow)
    with Connection(None, []) as connection, pytest.raises(OutsideFault, match=r"timed out during startup\. The study"):
        connection.connect()
    assert len(tries) == 3
