"""A trial's worker on the pretended GPU, without Ray around it: placed, kept to its share, reported,
finished; out of memory; broken.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from study.execution.on_ray import tune_worker, worker_place
from study.execution.on_ray.tune_worker import TrialWorker
from study.execution.on_ray.worker_protocol import (
    Broken,
    Failed,
    Finished,
    Placed,
    Reported,
    WorkerMessage,
    seal_config,
)
from study.training.runtime import device as devices

from ..study.execution.on_ray.test_tune_worker import config
from .pretended import Memory, pretended_gpu

SMALL: dict[str, Any] = {
    "model": {"name": "mlp", "width": 0.1},
    "data": {"name": "digits", "train_images": 40, "test_images": 20},
}
MODEL = """
import torch
from torch import nn

class Mine(nn.Sequential):
    def forward(self, images):
        if images.is_cuda:
            raise {error}
        return super().forward(images)

def factory(image_shape, classes):
    channels, height, width = image_shape
    return Mine(nn.Flatten(), nn.Linear(channels * height * width, classes))
"""
FULL = (
    'torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total'
    " capacity of 140.00 GiB of which 120.19 GiB is free. 34.25 GiB allowed; Of the allocated"
    ' memory 33.21 GiB is allocated by PyTorch.")'
)
ILLEGAL = 'torch.AcceleratorError("CUDA error: an illegal memory access was encountered")'


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The GPU's memory. Modes of torch belong to a thread, so that of the training enters them."""
    found = Memory()
    train = tune_worker._Training._train

    def train_on_gpu(training: Any) -> Any:
        with pretended_gpu(found):
            return train(training)

    monkeypatch.setattr(tune_worker._Training, "_train", train_on_gpu)
    for module in (tune_worker, worker_place):
        monkeypatch.setattr(module, "node_id", lambda: "n1")
    monkeypatch.setattr(tune_worker, "_POLL_S", 0.05)
    monkeypatch.setattr(devices, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(devices, "_LOOK_S", 0.01)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    return found


Said = Callable[..., list[WorkerMessage]]


@pytest.fixture
def said(tmp_path: Path, memory: Memory) -> Iterator[Said]:
    """What one worker says of attempt after attempt, each up to its end."""
    worker: Any = object.__new__(TrialWorker)  # without Tune's own state
    begun: list[int] = []

    def run(gpus: float, error: str = "", **recipe: Any) -> list[WorkerMessage]:
        folder = tmp_path / f"trial{len(begun)}"
        folder.mkdir()
        if error:
            module = f"mine_{uuid.uuid4().hex}"
            (folder / f"{module}.py").write_text(MODEL.format(error=error))
            recipe["model"] = f"{module}:factory"
        given = config(folder, **{**SMALL, **recipe})
        given["gpus"] = gpus
        (worker.reset_config if begun else worker.setup)(seal_config(given))
        begun.append(1)
        messages: list[WorkerMessage] = []
        while not any(isinstance(each, Finished | Failed | Broken) for each in messages):
            messages += worker.step()["messages"]
        return messages

    yield run
    worker.cleanup()


def test_a_trial_on_a_share_is_placed_kept_to_it_reported_and_finished(
    said: Said, memory: Memory
) -> None:
    messages = said(0.25)
    assert [type(each) for each in messages] == [Placed, Reported, Reported, Finished]
    placed, first, _, finished = messages
    assert isinstance(placed, Placed)
    assert placed.place["device"] == "a pretended GPU"
    assert placed.place.get("gpu") == "3"
    assert placed.place.get("device_bytes") == memory.total
    assert memory.fraction == pytest.approx((0.25 * 140 - 0.75) / 140)
    assert isinstance(first, Reported)
    assert isinstance(finished, Finished)
    json.dumps([placed.place, dict(first.row), dict(finished.summary)])
    assert finished.summary["device"] == "a pretended GPU"
    said(1)
    assert memory.fraction == 1, "the share of the trial before doesn't hold any more"


def test_out_of_memory_is_told_with_its_share_and_the_worker_goes_on(said: Said) -> None:
    failed = said(0.25, error=FULL)[-1]
    assert isinstance(failed, Failed)
    assert failed.failure.failure_class == "out_of_memory"
    assert failed.failure.details["limit_bytes"] == int(34.25 * 2**30)
    assert isinstance(said(0.25)[-1], Finished)


def test_a_broken_context_ends_the_worker_and_not_the_trial(said: Said) -> None:
    broken = said(0.25, error=ILLEGAL)[-1]
    assert isinstance(broken, Broken)
    assert broken.failure.failure_class == "device"
    assert broken.failure.details["context_lost"]
    assert (broken.node, broken.gpu) == ("n1", "3")


def test_memory_that_others_keep_is_the_gpus_failure(said: Said, memory: Memory) -> None:
    memory.free = 20 * 2**30
    (broken,) = said(0.25)
    assert isinstance(broken, Broken)
    assert broken.failure.failure_class == "device"
    assert "20.0 GiB of the GPU are free" in broken.failure.message


def test_a_gpu_that_answers_no_more_keeps_its_memory_and_nothing_is_raised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def gone() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "empty_cache", gone)
    devices.release_memory(torch.device("cuda", 0))
