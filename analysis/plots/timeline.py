"""Attempts at trials as spans on workers: which trial held which worker when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from analysis.frames import Frames
from study.results.attempts import end_of

_MOST_SPANS = 3000


@dataclass(frozen=True)
class Span:
    """One attempt: its worker's lane, its seconds since 1970, and the state that its trial is in
    now.
    """

    lane: str
    start: float
    end: float
    trial: int
    state: str


def worker_spans(results: Frames) -> list[Span]:
    """The last MOST_SPANS attempts, each in the first free lane of its machine and device."""
    attempts = sorted(
        (
            (
                attempt.started_at,
                end_of(study.history, attempt),
                attempt.host or "not placed",
                attempt.device,
                trial,
            )
            for study in results.studies
            for trial in study.history.trials
            for attempt in trial.attempts
        ),
        key=lambda item: item[0],
    )[-_MOST_SPANS:]
    busy_until: dict[tuple[str, str], list[float]] = defaultdict(list)
    spans = []
    for start, end, host, device, trial in attempts:
        slots = busy_until[host, device]
        slot = next((i for i, until in enumerate(slots) if until <= start), len(slots))
        slots[slot : slot + 1] = [end]
        spans.append(
            Span(
                f"{host} {device} {slot}".replace("  ", " "), start, end, trial.number, trial.state
            )
        )
    return sorted(spans, key=lambda span: span.lane)
