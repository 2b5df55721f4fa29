"""Attempts at trials: how long each held its worker, what was lost with it, and whether it was
alone there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from study.journal.history import History
from study.journal.trials import Attempt, Trial


def end_of(history: History, attempt: Attempt) -> float:
    """When an attempt ended; the study's last sign of life where it is still under way."""
    if attempt.ended_at is not None:
        return attempt.ended_at
    if not history.sessions:
        return attempt.started_at
    return max(attempt.started_at, history.sessions[-1].last_event_at)


def seconds_of(history: History, attempt: Attempt) -> float:
    return end_of(history, attempt) - attempt.started_at


def repeated_seconds(trial: Trial) -> float:
    """Work that had to be done again: what broken attempts did after their last epoch that
    counts.
    """
    last_report = {row["attempt"]: row["time"] for row in trial.rows}
    broken = [attempt for attempt in trial.attempts[:-1] if attempt.ended_at is not None]
    return float(
        sum(max(0.0, (a.ended_at or 0.0) - last_report.get(a.number, a.started_at)) for a in broken)
    )


def shared_devices(history: History) -> set[int]:
    """Trials that had another trial on their device of their node at the same time."""
    by_device: dict[tuple[str, str], list[tuple[float, float, int]]] = defaultdict(list)
    for trial in history.trials:
        for attempt in trial.attempts:
            if attempt.device:
                span = (attempt.started_at, end_of(history, attempt), trial.number)
                by_device[attempt.node or attempt.host, attempt.device].append(span)
    return {number for spans in by_device.values() for number in _overlapping(spans)}


def _overlapping(spans: Sequence[tuple[float, float, int]]) -> set[int]:
    """Numbers of the spans (start, end, number) that overlap one of another number."""
    found: set[int] = set()
    open_spans: list[tuple[float, int]] = []
    for start, end, number in sorted(spans):
        open_spans = [(until, other) for until, other in open_spans if until > start]
        others = {other for _, other in open_spans if other != number}
        found |= others | ({number} if others else set())
        open_spans.append((end, number))
    return found
