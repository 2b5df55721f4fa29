"""Attempts at trials: how long each held its worker, what was lost with it, and whether it was
alone on its device.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from study.journal.history import History
from study.journal.trials import Attempt, Trial


def end_of_attempt(history: History, attempt: Attempt) -> float:
    """When an attempt ended, in seconds since 1970; for one that is still under way, the study's
    last sign of life.
    """
    if attempt.ended_at is not None:
        return attempt.ended_at
    if not history.sessions:
        return attempt.started_at
    return max(attempt.started_at, history.sessions[-1].last_event_at)


def wall_seconds(history: History, trial: Trial) -> float:
    """How long the trial's attempts held a worker, all together; those that wait hold none."""
    return sum(_held_seconds(history, trial, attempt) for attempt in trial.attempts)


def worker_seconds(history: History, trial: Trial) -> float:
    """The same of each worker, all of them together."""
    return sum(
        attempt.workers * _held_seconds(history, trial, attempt) for attempt in trial.attempts
    )


def _held_seconds(history: History, trial: Trial, attempt: Attempt) -> float:
    """How long an attempt held a worker: none where none took it up, which some journals don't say
    of attempts that have reported epochs.
    """
    began = attempt.placed_at
    if began is None and any(row["attempt"] == attempt.number for row in trial.rows):
        began = attempt.started_at
    return 0.0 if began is None else max(0.0, end_of_attempt(history, attempt) - began)


def repeated_seconds(trial: Trial) -> float:
    """How much work had to be done again: what broken attempts did after their last epoch that
    counts, from when a worker took them up. Waiting for one is no work.
    """
    return sum(seconds for _, seconds in lost_seconds(trial))


def lost_seconds(trial: Trial) -> Iterator[tuple[Attempt, float]]:
    """Give each broken attempt with how much of its work had to be done again."""
    last_report = {row["attempt"]: row["time"] for row in trial.rows}
    for attempt in trial.attempts[:-1]:
        if attempt.set_aside and not attempt.is_broken_off:
            continue  # its state was saved
        kept_until = last_report.get(attempt.number, attempt.placed_at)
        if attempt.ended_at is not None and kept_until is not None:
            yield attempt, max(0.0, attempt.ended_at - kept_until)


class _Span(NamedTuple):
    """The time that a trial was on a device."""

    start: float
    end: float
    trial: int


def trials_on_shared_devices(history: History) -> set[int]:
    """The numbers of trials that had another one on the same device of their node meanwhile."""
    spans_by_device: dict[tuple[str, str, str], list[_Span]] = defaultdict(list)
    for trial in history.trials:
        for attempt in trial.attempts:
            if attempt.device:
                span = _Span(attempt.started_at, end_of_attempt(history, attempt), trial.number)
                # alike GPUs of a node have one product's name
                device = (attempt.node or attempt.host, attempt.device, attempt.gpu)
                spans_by_device[device].append(span)
    shared: set[int] = set()
    for spans in spans_by_device.values():
        shared |= _trials_that_overlap(spans)
    return shared


def _trials_that_overlap(spans: Iterable[_Span]) -> set[int]:
    """The trials whose spans overlap one of another trial."""
    found: set[int] = set()
    open_spans: list[_Span] = []
    for span in sorted(spans):
        open_spans = [earlier for earlier in open_spans if earlier.end > span.start]
        others = {earlier.trial for earlier in open_spans if earlier.trial != span.trial}
        if others:
            found |= {span.trial, *others}
        open_spans.append(span)
    return found
