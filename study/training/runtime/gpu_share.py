"""What a trial may take of a GPU's memory; torch is not needed to know it."""

from __future__ import annotations

CONTEXT_BYTES = 0.75 * 2**30
"""What a process holds of a GPU beside its tensors, roughly: the driver's context and its
libraries.
"""
_LEAST_PART = 0.25
"""At least this part of a share is for tensors, however small the share is."""


def limit_bytes(share: float, total_bytes: int) -> int:
    """Return what the tensors of a trial with a share of a GPU of ``total_bytes`` may take.

    The process's own context is left out, so that trials at their limits fit side by side.
    """
    whole = min(1.0, share) * total_bytes
    if share >= 1:
        return int(whole)
    return int(max(whole - CONTEXT_BYTES, _LEAST_PART * whole))
