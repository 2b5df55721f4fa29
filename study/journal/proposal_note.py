"""How a proposal came to be, as its event records it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, TypedDict, get_args

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


def checked_note(found: object) -> ProposalNote:
    """What of a journal's note is as it should be: a journal may come from anywhere."""
    note: ProposalNote = {}
    if not isinstance(found, Mapping):
        return note
    for by in get_args(Proposing):
        if found.get("by") == by:
            note["by"] = by
    learned_from, among = found.get("learned_from"), found.get("among")
    if isinstance(learned_from, int):
        note["learned_from"] = learned_from
    if isinstance(among, int):
        note["among"] = among
    expected = found.get("expected")
    if isinstance(expected, int | float) and math.isfinite(expected):
        note["expected"] = expected
    redrawn = found.get("redrawn")
    if isinstance(redrawn, list):
        reasons = get_args(RedrawReason)
        note["redrawn"] = [reason for reason in redrawn if reason in reasons]
    return note
