"""Tune is loaded by a driver, which itself trains nothing."""

from __future__ import annotations

import subprocess
import sys


def test_a_driver_loads_tune_without_torch() -> None:
    """Torch would double the time and the memory of its start."""
    code = (
        "import sys\n"
        "from study.execution.on_ray import tune_executor\n"
        "tune_executor.load_tune()\n"
        "print('ray.tune' in sys.modules, 'torch' in sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "False"]
