"""How many trials a GPU has room for, from what trials were seen to occupy."""

from __future__ import annotations

from study.journal.history import History
from study.training.runtime.gpu_share import CONTEXT_BYTES

_MARGIN = 1.25
"""Other points of the space may take more than those that were seen."""
_MOST = 16
"""More trials than this on one GPU get in each other's way, however little memory they take."""


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
