"""What a study's own workers have loaded before their first trial."""

from __future__ import annotations

import subprocess
import sys


def test_a_worker_has_loaded_what_its_first_trial_needs() -> None:
    code = "import sys, study.execution.on_ray.worker_preload as _; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    needed = {
        "torch._dynamo",
        "study.execution.on_ray.tune_worker",
        "study.training.loop",
        "ray.tune",
    }
    assert needed <= set(done.stdout.split())
