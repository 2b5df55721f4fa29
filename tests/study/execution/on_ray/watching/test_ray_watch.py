"""A Ray that is gone is noticed, whether it says so, has ended or does not answer at all."""

from __future__ import annotations

import threading

import pytest

from study.execution.on_ray.watching import ray_watch
from study.execution.on_ray.watching.ray_watch import LeaveRay, RayWatch

from ....command import wait_for


def test_a_ray_that_lives_is_left_alone() -> None:
    asked = threading.Semaphore(0)

    def answer() -> str:
        asked.release()
        return ""

    with RayWatch(answer, on_stuck=lambda reason: None) as watch:
        asked.acquire(timeout=30)
        watch.check()
    assert watch.reason == ""


def test_one_that_cannot_be_asked_is_gone() -> None:
    def refuse() -> str:
        raise RuntimeError("no connection")

    with RayWatch(refuse, on_stuck=lambda reason: None) as watch:
        wait_for(lambda: watch.reason, "the loss to be noticed")
        with pytest.raises(LeaveRay):
            watch.check()


def test_one_that_does_not_answer_is_gone_and_a_driver_that_hangs_in_it_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ray_watch, "_ANSWER_S", 0.2)
    monkeypatch.setattr(ray_watch, "_LEAVE_S", 0.2)
    answers, stuck = threading.Event(), threading.Event()
    reasons: list[str] = []

    def hang() -> str:
        answers.wait(60)
        return ""

    def on_stuck(reason: str) -> None:
        reasons.append(reason)
        stuck.set()

    with RayWatch(hang, on_stuck=on_stuck):
        assert stuck.wait(60)
    answers.set()
    assert "has not answered" in reasons[0]
