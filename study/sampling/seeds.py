"""Seeds that depend on nothing but what they are for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.spec.samplers import SamplerChoice

_BITS_31 = 0x7FFFFFFF


def point_seed(seed: int, arm: int, index: int, draw: int = 0) -> int:
    """The sampler's seed for one draw of one proposal, a number of 31 bits.

    The proposal is known by its arm and its index there. Asked for again, in whatever order, it has
    the same seed and so draws the same numbers.
    """
    digest = hashlib.sha256(f"{seed}/{arm}/{index}/{draw}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & _BITS_31


def draw_seed(choice: SamplerChoice, arm: int, index: int, draw: int) -> int:
    """The seed that a study file's sampler is made with for one draw of one proposal."""
    # A quasi-random sequence is one sequence: its points share a scrambling, and how far it has
    # come is in the study.
    if choice.name == "qmc":
        index = draw = 0
    return point_seed(choice.seed, arm, index, draw)
