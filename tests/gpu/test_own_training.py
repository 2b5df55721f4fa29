"""A training function on the pretended GPU, in what runs in its process: kept to its share, its state
brought home and back, out of memory, a GPU that answers no more.
"""

from __future__ import annotations

import json
import socket
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.execution.on_ray import worker_place
from study.execution.on_ray.processes import own_training
from study.execution.on_ray.processes.own_training import OwnTraining
from study.execution.on_ray.worker_protocol import Broken, Failed, Repeated, WorkerMessage
from study.execution.training_process.channel import Channel
from study.execution.training_process.child import _Attempt
from study.training.runtime import device as devices

from ..study.execution.training_process.attempt_requests import request_of
from .pretended import Memory, pretended_gpu

FUNCTION = """
import torch

def train(config, session):
    weight = torch.ones(3, device=session.device)
    saved = session.restore()
    if saved:
        weight.copy_(saved["weight"])
    for epoch in range(session.epoch, config["epochs"]):
        weight = weight * 0.5 + torch.rand(3).to(session.device)
        session.report({{"loss": weight.sum()}}, state={{"weight": weight}})
    {then}
"""
FULL = "raise torch.OutOfMemoryError('CUDA out of memory. 34.25 GiB allowed;')"
ILLEGAL = "raise torch.AcceleratorError('CUDA error: an illegal memory access was encountered')"
Said = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What the process of an attempt says, which always hears that it is to go on."""
    monkeypatch.setattr(devices, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(devices, "_LOOK_S", 0.01)
    monkeypatch.syspath_prepend(tmp_path)
    module = f"mine_{uuid.uuid4().hex}"

    def run(
        memory: Memory, epochs: int = 2, then: str = "pass", **changed: Any
    ) -> list[dict[str, Any]]:
        name = f"{module}_{len(list(tmp_path.iterdir()))}"
        (tmp_path / f"{name}.py").write_text(FUNCTION.format(then=then))
        given = {"config": {"epochs": epochs}, "epochs": epochs, "objectives": ["loss"]}
        request = request_of(f"{name}:train", tmp_path, **given, gpus=0.25, **changed)
        ours, theirs = socket.socketpair()
        with ours, theirs, pretended_gpu(memory):
            heard = Channel(ours)
            for _ in range(epochs):
                heard.send({"goes_on": True})
            attempt = _Attempt(dict(request), Channel(theirs))
            attempt.say(attempt.run())
            messages = []
            while (message := heard.receive(0)) is not None:
                messages.append(message)
        return messages

    return run


def test_a_function_on_a_share_is_placed_kept_to_it_and_finished(said: Said) -> None:
    memory = Memory()
    messages = said(memory)
    assert [each["kind"] for each in messages] == [
        *("placed", "loaded", "reported", "reported", "finished")
    ]
    assert messages[0]["device"] == "a pretended GPU"
    assert messages[0]["device_bytes"] == memory.total
    assert memory.fraction == pytest.approx((0.25 * 140 - 0.75) / 140)
    assert messages[-1]["summary"]["device"] == "a pretended GPU"


def test_a_function_goes_on_from_a_state_that_was_on_the_gpu(said: Said, tmp_path: Path) -> None:
    whole = said(Memory(), epochs=3, checkpoints=str(tmp_path / "others"))
    said(Memory(), epochs=2)
    rest = said(Memory(), epochs=3, reported=1)
    losses = [each["row"]["loss"] for each in whole if each["kind"] == "reported"]
    assert [each["row"]["loss"] for each in rest if each["kind"] == "reported"] == losses[1:]


def heard_of(said: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerMessage:
    """What the driver hears of a process's word."""
    for module in (own_training, worker_place):
        monkeypatch.setattr(module, "node_id", lambda: "n1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    training: Any = object.__new__(OwnTraining)
    training._config = {"stderr": str(folder / "stderr.txt")}
    message: WorkerMessage = training._heard(said)
    return message


def test_a_function_that_runs_out_of_memory_is_told_with_its_share(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = heard_of(said(Memory(), then=FULL)[-1], tmp_path, monkeypatch)
    assert isinstance(failed, Failed)
    assert failed.failure.failure_class == "out_of_memory"
    assert failed.failure.details["limit_bytes"] == int(34.25 * 2**30)


def test_a_function_that_breaks_the_gpus_context_ends_the_worker(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = heard_of(said(Memory(), then=ILLEGAL)[-1], tmp_path, monkeypatch)
    assert isinstance(broken, Broken)
    assert broken.failure.details["context_lost"]
    assert (broken.node, broken.gpu) == ("n1", "3")
    json.dumps(dict(broken.failure.details))


def test_a_function_is_not_begun_where_others_keep_the_memory(said: Said) -> None:
    (failed,) = said(Memory(free_gib=20))
    assert failed["class"] == "device"
    assert "20.0 GiB of the GPU are free" in failed["message"]


def test_an_epoch_that_a_function_trains_once_more_is_said_with_its_figures(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = said(Memory(), epochs=1, checkpoints=str(tmp_path / "one"))[2]
    again = said(Memory(), epochs=1, reported=1, checkpoints=str(tmp_path / "two"))[2]
    repeated = heard_of(again, tmp_path, monkeypatch)
    assert isinstance(repeated, Repeated)
    assert repeated.row["loss"] == first["row"]["loss"]
