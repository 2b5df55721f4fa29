"""Seeds that depend on nothing but what they are for."""

from __future__ import annotations

import hashlib


def point_seed(seed: int, arm: int, index: int, draw: int = 0) -> int:
    """The sampler's seed for one proposal: asked again, in whatever order, it draws the same
    numbers. 31 bits.
    """
    digest = hashlib.sha256(f"{seed}/{arm}/{index}/{draw}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
