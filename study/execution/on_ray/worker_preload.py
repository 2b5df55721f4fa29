"""Loads, when it is imported, what a study's own workers need for their first trial.

Ray imports it in workers that still wait for one. ``torch._dynamo`` is private to torch: its
optimizers load it with their first step, which takes a second; where torch stops to do so, the line
can go. What is loaded here lives as long as the process, so the garbage collector neither runs
meanwhile nor looks at it later.
"""

from __future__ import annotations

import gc

gc.disable()
import torch._dynamo  # noqa: E402, F401

import study.execution.on_ray.tune_worker  # noqa: E402
import study.training.loop  # noqa: E402, F401

gc.freeze()
gc.enable()
