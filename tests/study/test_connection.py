"""What a study's own Ray is started with."""

from __future__ import annotations

import os

import pytest

from study.connection import python_path


def test_workers_find_the_modules_that_the_driver_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["/mine", "/ours"]))
    assert python_path(["/here"]).split(os.pathsep) == ["/here", "/mine", "/ours"]
    monkeypatch.delenv("PYTHONPATH")
    assert python_path(["/here"]) == "/here"
