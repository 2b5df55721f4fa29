"""What a study has cost, by the prices that were on record when each attempt began.

An attempt is paid from when a worker took it up until it ended: waiting for room costs nothing.
When that was, the driver hears from the worker, however late it hears of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from study.journal.history import History
from study.journal.trials import Attempt, Trial
from study.results.attempts import end_of_attempt, lost_seconds

_SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True)
class Bill:
    """What a study has cost so far."""

    money: float
    lost: float
    """Of it, for work that had to be done again."""
    currency: str
    """Empty where the prices name none."""
    unpriced_s: float
    """The seconds of attempts that began before there were prices, and aren't in it."""


def bill_of(history: History) -> Bill | None:
    """Return a study's bill; None where none of its attempts has a price."""
    attempts = [attempt for trial in history.trials for attempt in trial.attempts]
    tariffs = [attempt.tariff for attempt in attempts if attempt.tariff is not None]
    if not tariffs:
        return None
    without = [attempt for attempt in attempts if attempt.tariff is None]
    return Bill(
        money=sum(trial_money(history, trial) or 0.0 for trial in history.trials),
        lost=sum(lost_money(trial) or 0.0 for trial in history.trials),
        currency=tariffs[-1].currency,
        unpriced_s=sum(_paid_seconds(history, attempt) for attempt in without),
    )


def trial_money(history: History, trial: Trial) -> float | None:
    """Return what a trial's attempts have cost; None where none of them has a price."""
    amounts = [
        _paid_seconds(history, attempt) / _SECONDS_AN_HOUR * attempt.hourly_price
        for attempt in trial.attempts
        if attempt.hourly_price is not None
    ]
    return sum(amounts) if amounts else None


def lost_money(trial: Trial) -> float | None:
    """Return what a trial's work has cost that had to be done again; None without prices."""
    if all(attempt.tariff is None for attempt in trial.attempts):
        return None
    return sum(
        seconds / _SECONDS_AN_HOUR * (attempt.hourly_price or 0.0)
        for attempt, seconds in lost_seconds(trial)
    )


def currency_of(trial: Trial) -> str | None:
    """Return what a trial was paid in; None without prices, or where they name none."""
    named = [attempt.tariff.currency for attempt in trial.attempts if attempt.tariff]
    return (named[-1] or None) if named else None


def _paid_seconds(history: History, attempt: Attempt) -> float:
    """Return for how long an attempt has held a worker's place on a node."""
    if attempt.placed_at is None:
        return 0.0
    return max(0.0, end_of_attempt(history, attempt) - attempt.placed_at)
