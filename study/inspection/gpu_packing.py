"""How trials lie on GPUs: how many one has room for, from what trials were seen to occupy, and how
many GPUs a study leaves idle.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from study.journal.history import History
from study.training.runtime.gpu_share import CONTEXT_BYTES

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_MARGIN = 1.25
"""Other points of the space may take more than those that were seen."""
_MOST = 16
"""More trials than this on one GPU get in each other's way, however little memory they take."""


def gpu_notes(spec: StudySpec, concurrency: int, gpus: int) -> Iterator[str]:
    """Say what a study that is yet to begin should know of GPUs, of which there are ``gpus``."""
    share = spec.resources.gpus
    if not share:
        return
    if not spec.reproducible and spec.train is None:
        yield (
            "GPUs repeat a training's figures only with execution: {deterministic: true}, which"
            " reproducible: true sets; this study is not reproducible"
        )
    # Ray fills one GPU before it takes the next
    filled = math.ceil(concurrency / int(1 / share))
    if filled < min(gpus, concurrency):
        largest = 1000 // math.ceil(concurrency / gpus) / 1000
        yield (
            f"{concurrency} trials at once of {share:g} GPUs each fill {filled} of the {gpus} GPUs,"
            f" and the others stay idle: resources: {{gpus: {largest:g}}} would use all that can be"
        )


def packing_hint(history: History, gpus: float) -> str:
    """Say on one line what a smaller share of a GPU than ``gpus`` would do, if it would help."""
    peak = _peak_memory(history)
    total = _smallest_gpu(history)
    if not gpus or not peak or not total:
        return ""
    fit = min(_MOST, int(total / (_MARGIN * peak + CONTEXT_BYTES)))
    if fit < 2 * int(1 / gpus):
        return ""
    share = 1000 // fit / 1000  # rounded down, so that they fit
    return (
        f"a trial held at most {_gib(peak)} of its GPU's {_gib(total)}: "
        f"resources: {{gpus: {share:g}}} would run {fit} at once on each"
    )


def _peak_memory(history: History) -> int:
    """Return the most bytes that an epoch of any trial held; 0 where none was measured.

    In its first epoch cuDNN tries its ways out, with as much memory as it can get.
    """
    peak = 0
    for trial in history.trials:
        for row in trial.rows[1:] or trial.rows:
            peak = max(peak, row.get("peak_memory_bytes") or 0)
    return peak


def _smallest_gpu(history: History) -> int:
    """Return the bytes of the smallest GPU that an attempt had; 0 where none had any."""
    sizes = []
    for trial in history.trials:
        for attempt in trial.attempts:
            if attempt.device_bytes:
                sizes.append(attempt.device_bytes)
    return min(sizes, default=0)


def _gib(size: float) -> str:
    return f"{size / 2**30:.3g} GiB"
