"""How a proposal came to be, as its event records it."""

from __future__ import annotations

from typing import Literal, TypedDict

Proposing = Literal["spread", "random", "model", "grid", "qmc"]
"""By what a sampler proposed a point."""
RedrawReason = Literal["memory", "require"]
"""Why a draw was turned down: it isn't expected to fit in memory, or breaks a rule."""


class ProposalNote(TypedDict, total=False):
    """How a proposal came to be; what its sampler doesn't tell is left out."""

    by: Proposing
    learned_from: int
    """How many points' results the sampler knew, and made its proposal from."""
    expected: float
    """The chance that TPE gave it to be among its better points."""
    among: int
    """How many of the points that TPE knew were its better ones."""
    redrawn: list[RedrawReason]
    """The draws before that were turned down."""
