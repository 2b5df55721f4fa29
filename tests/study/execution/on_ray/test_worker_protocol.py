"""What a driver and its workers hand each other."""

from __future__ import annotations

from study.execution.on_ray.worker_protocol import Reported


def test_training_waits_for_an_answer_after_every_epoch_but_its_last() -> None:
    assert Reported({"epoch": 1, "last": False}).awaits_answer
    assert not Reported({"epoch": 2, "last": True}).awaits_answer
