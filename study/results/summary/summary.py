"""A study in a few figures: what lists of studies show of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Summary:
    """A study as a whole, whoever drives it now."""

    state: str
    """Why its last driver ended; ``new`` before there was one, ``interrupted`` where it was
    killed.
    """
    goes_on: bool
    """Whether `study resume` finds something to do."""
    points: int
    of: int
    """How many points it is to have, those aside that a user added."""
    added: int
    dropped: int
    states: dict[str, int]
    """How many points are in each state."""
    trials: int
    failures: int
    epochs: int
    trial_seconds: float
    """How long its trials have held their workers, all together."""
    objective: str
    """The first objective's metric."""
    best: float | None
    """The best point's value in the search; like all of the best None where no point has one."""
    best_standing: str | None
    """By what it ranks."""
    best_fresh: float | None
    """The mean over its fresh seeds, where it was confirmed."""
    best_point: int | None
    best_values: dict[str, Any]
    best_seeds: list[float]
    """The values of the trials that it ranks by."""
    money: float | None
    """What it has cost so far; like all of the money None without prices."""
    lost_money: float | None
    unpriced_hours: float | None
    currency: str | None
    spend: float | None
    """What may be spent."""
    sessions: int
    last_event_at: float | None
    """When its last driver gave its last sign of life, in seconds since 1970."""
