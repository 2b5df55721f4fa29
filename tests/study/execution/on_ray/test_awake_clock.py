"""Time that passes while a process stands still does not count."""

from __future__ import annotations

import pytest

from study.execution.on_ray import awake_clock
from study.execution.on_ray.awake_clock import AwakeClock, process_clock


def test_time_counts_but_for_standstills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AwakeClock, "_keep_looking", lambda self: None)
    moment = [100.0]
    monkeypatch.setattr(awake_clock.time, "monotonic", lambda: moment[0])
    clock = AwakeClock()
    began = clock.now()
    for _ in range(4):
        moment[0] += 2
        clock.now()
    assert clock.now() - began == 8
    moment[0] += 3600  # suspended
    assert clock.now() - began == 8
    moment[0] += 1
    assert clock.now() - began == 9


def test_a_process_has_one_clock() -> None:
    assert process_clock() is process_clock()
