"""Trials that share one GPU keep to their share of its memory; the GPU here is a stand-in."""

from __future__ import annotations

import pytest

from study.execution.tune_worker import pick_device
from study.training.runtime.failures import TrainingFailure


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A GPU of 16 GiB, of which ``free`` are free and ``own`` this process's; ``limit`` is what it
    was limited to.
    """
    import torch

    state = {"free": 16.0, "own": 0.0, "limit": 1.0}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(
        torch.cuda, "mem_get_info", lambda: (int(state["free"] * 2**30), 16 * 2**30)
    )
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: int(state["own"] * 2**30))
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda share: state.update(limit=share)
    )
    return state


def test_a_share_is_a_limit(gpu: dict[str, float]) -> None:
    assert pick_device(0.25) == "cuda"
    assert gpu["limit"] == 0.25


def test_a_whole_gpu_has_no_limit(gpu: dict[str, float]) -> None:
    assert pick_device(1) == "cuda"
    assert gpu["limit"] == 1.0


def test_memory_that_others_have_taken_is_a_failure_of_the_device(gpu: dict[str, float]) -> None:
    gpu["free"] = 3.0
    with pytest.raises(
        TrainingFailure, match=r"3\.0 GiB of the GPU are free, and the trial's share is 4\.0"
    ) as caught:
        pick_device(0.25)
    assert caught.value.failure_class == "device"


def test_what_the_worker_itself_holds_counts_as_free(gpu: dict[str, float]) -> None:
    gpu.update(free=3.0, own=1.5)
    assert pick_device(0.25) == "cuda"


def test_a_gpu_that_is_not_there_is_a_failure_of_the_device() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(TrainingFailure, match="torch finds none") as caught:
        pick_device(1)
    assert caught.value.failure_class == "device"
