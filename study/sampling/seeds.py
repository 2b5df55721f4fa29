"""Seeds that depend on nothing but what they are for."""

from __future__ import annotations

import hashlib

_BITS_31 = 0x7FFFFFFF


def point_seed(seed: int, arm: int, index: int, draw: int = 0) -> int:
    """The sampler's seed for one draw of one proposal, a number of 31 bits.

    The proposal is known by its arm and its index there. Asked for again, in whatever order, it has
    the same seed and so draws the same numbers.
    """
    digest = hashlib.sha256(f"{seed}/{arm}/{index}/{draw}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & _BITS_31
