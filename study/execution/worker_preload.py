"""What a study's own workers load while they wait for their first trial: importing this module does
it.

Nothing that is loaded is garbage, so nothing is looked through for it meanwhile, nor later.
"""

from __future__ import annotations

import gc

gc.disable()
import torch._dynamo  # noqa: E402, F401  every optimizer's step loads it

import study.execution.tune_worker  # noqa: E402
import study.training.loop  # noqa: E402, F401

gc.freeze()
gc.enable()
