"""How many trials a GPU has room for, from what trials were seen to occupy."""

from __future__ import annotations

from study.journal.history import History

_CONTEXT_BYTES = 0.75 * 2**30
"""What a process holds of a GPU beside its tensors, roughly: the driver's context and its
libraries.
"""
_MARGIN = 1.25
"""Other points of the space may take more than those that were seen."""
_MOST = 16
"""More trials than this on one GPU get in each other's way, however little memory they take."""


def packing_hint(history: History, gpus: float) -> str:
    """What a smaller share of a GPU than ``gpus`` would do, on one line; empty where nothing speaks
    for it.
    """
    rows = [row for trial in history.trials for row in trial.rows]
    peak = max((row.get("peak_memory_bytes") or 0 for row in rows), default=0)
    totals = [
        attempt.device_bytes
        for trial in history.trials
        for attempt in trial.attempts
        if attempt.device_bytes
    ]
    if not gpus or not peak or not totals:
        return ""
    total = min(totals)
    fit = min(_MOST, int(total / (_MARGIN * peak + _CONTEXT_BYTES)))
    if fit < 2 * int(1 / gpus):
        return ""
    return (
        f"a trial held at most {_gib(peak)} of its GPU's {_gib(total)}: "
        f"resources: {{gpus: {1000 // fit / 1000:g}}} would run {fit} at once on each"
    )


def _gib(size: float) -> str:
    return f"{size / 2**30:.3g} GiB"
