"""A trial's worker, without Ray around it: what it says in each step, and how it ends."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.execution.on_ray import awake_clock, tune_worker
from study.execution.on_ray.tune_worker import TrialWorker
from study.execution.on_ray.worker_protocol import (
    Broken,
    Failed,
    Finished,
    Hung,
    Placed,
    Reported,
    SetAside,
    WorkerConfig,
    WorkerMessage,
    seal_config,
)
from study.training.recipe.recipe import parse_recipe
from study.training.runtime.progress import TrainingProgress

WAIT_S = 900


def config(folder: Path, **recipe: Any) -> WorkerConfig:
    tree = {"model": "mlp", "data": {"name": "digits", "train_images": 200}, "epochs": 2} | recipe
    made, faults = parse_recipe(tree)
    assert made is not None, faults
    assignment = {
        "trial": 0,
        "attempt": 1,
        "point": 0,
        "replicate": 0,
        "recipe": made.model_dump(mode="json"),
        "epochs_reported": 0,
        "seconds_used": 0.0,
        "data_hash": "",
    }
    return {
        "assignment": json.dumps(assignment),
        "checkpoints": str(folder / "checkpoints"),
        "stderr": str(folder / "stderr.txt"),
        "output": str(folder / "output.txt"),
        "kept": str(folder / "kept"),
        "cpus": 1,
        "gpus": 0,
        "resources": {"CPU": 1},
        "workers": 1,
        "heartbeat_s": 60,
        "hang_without_heartbeat": True,
        "limit_s": None,
        "data_dir": None,
        "run": "",
        "path": [str(folder)],
        "best_by": None,
        "objectives": [],
        "poll_s": 0.0,
    }


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TrialWorker]:
    """A worker that has begun to train."""
    monkeypatch.setattr(tune_worker, "place_on", lambda device: {"device": device})
    worker = object.__new__(TrialWorker)  # without Tune's own state
    worker.setup(seal_config(config(tmp_path)))
    yield worker
    worker.cleanup()


def steps(worker: TrialWorker) -> Iterator[tuple[list[WorkerMessage], bool]]:
    """What each step gives, up to the last one."""
    deadline = time.monotonic() + WAIT_S
    held_s = 0.0
    while time.monotonic() < deadline:
        result = worker.step()
        assert result["held_s"] > held_s
        held_s = result["held_s"]
        yield result["messages"], result["done"]
        if result["done"]:
            return
    raise AssertionError("the worker has not come to an end")


def test_each_epoch_is_a_message_and_being_asked_again_is_the_answer(worker: TrialWorker) -> None:
    said: list[WorkerMessage] = []
    for messages, _ in steps(worker):
        waits = [isinstance(message, Reported) and message.awaits_answer for message in messages]
        assert not any(waits[:-1]), "nothing follows a message that waits for its answer"
        said += messages
    assert [type(message) for message in said] == [Placed, Reported, Reported, Finished]
    assert [message.row["epoch"] for message in said if isinstance(message, Reported)] == [1, 2]
    assert isinstance(said[-1], Finished)
    assert said[-1].stop_reason == "epochs"
    assert "test_accuracy" in said[-1].summary


def test_an_attempt_is_set_aside_with_its_state_and_another_goes_on_bit_for_bit(
    worker: TrialWorker, tmp_path: Path
) -> None:
    whole = rows_of(worker)
    assert worker.reset_config(seal_config(config(tmp_path / "parted", epochs=3)))
    said: list[WorkerMessage] = []
    for messages, _ in steps(worker):
        said += messages
        if isinstance(said[-1], Reported) and said[-1].row["epoch"] == 1:
            assert said[-1].has_state
            worker.set_aside()
    assert said[-1] == SetAside(1)
    assert len(list((tmp_path / "parted" / "checkpoints").iterdir())) == 1
    second = config(tmp_path / "parted", epochs=3)
    assignment = json.loads(second["assignment"]) | {"attempt": 2, "epochs_reported": 1}
    assert worker.reset_config(seal_config({**second, "assignment": json.dumps(assignment)}))
    after = rows_of(worker)
    assert [row["epoch"] for row in after] == [2, 3]
    assert after[0]["train_loss"] == whole[1]["train_loss"]
    assert after[0]["val_loss"] == whole[1]["val_loss"]


def rows_of(worker: TrialWorker) -> list[Any]:
    """The rows of what a worker trains, to its end."""
    said = [message for messages, _ in steps(worker) for message in messages]
    return [message.row for message in said if isinstance(message, Reported)]


def test_a_worker_goes_from_trial_to_trial(worker: TrialWorker, tmp_path: Path) -> None:
    assert worker.reset_config(seal_config(config(tmp_path / "next", model="nowhere:factory")))
    (messages, done) = list(steps(worker))[-1]
    assert done
    assert isinstance(messages[-1], Failed)
    assert "nowhere" in messages[-1].failure.message
    assert "Traceback" in (tmp_path / "next" / "stderr.txt").read_text()


def test_a_trial_that_is_left_stops_where_it_stands(worker: TrialWorker) -> None:
    training = worker._training
    assert training is not None
    messages: list[WorkerMessage] = []
    while not any(isinstance(message, Reported) for message in messages):
        messages += worker.step()["messages"]
    worker.cleanup()
    assert not training._thread.is_alive()
    assert training._messages.empty()


class Silent:
    """A training that has nothing to say three times."""

    def __init__(self) -> None:
        self.asked = 0
        self.held_s = 1.0
        self.progress = TrainingProgress()

    def next_messages(self) -> list[WorkerMessage]:
        self.asked += 1
        return [SetAside(1)] if self.asked == 4 else []

    def stop(self) -> None:
        pass


@pytest.mark.parametrize(("poll_s", "said"), [(0.0, []), (900.0, [SetAside(1)])])
def test_a_worker_keeps_silent_for_as_long_as_it_is_told(
    worker: TrialWorker, poll_s: float, said: list[WorkerMessage]
) -> None:
    worker.cleanup()
    worker._training = Silent()  # type: ignore[assignment]
    worker._poll_s = poll_s
    assert worker.step()["messages"] == said


POISONED = """
def factory(image_shape, classes):
    raise RuntimeError("CUDA error: device-side assert triggered")
"""


def test_a_worker_whose_process_is_broken_says_so_and_waits_for_its_end(
    worker: TrialWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tune_worker, "node_id", lambda: "1")
    monkeypatch.setattr(tune_worker, "_POLL_S", 0.01)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    (tmp_path / "poisoned.py").write_text(POISONED)
    worker.reset_config(seal_config(config(tmp_path, model="poisoned:factory")))
    said: list[WorkerMessage] = []
    while not any(isinstance(message, Broken) for message in said):
        result = worker.step()
        assert not result["done"], "Tune would give the process another trial"
        said += result["messages"]
    assert isinstance(said[-1], Broken)
    assert said[-1].failure.details["context_lost"]
    assert (said[-1].node, said[-1].gpu) == ("1", "3")
    again = worker.step()
    assert (again["messages"], again["done"]) == ([], False)


def test_a_compiler_may_be_silent_for_longer(worker: TrialWorker) -> None:
    training: Any = worker._training
    training.stop()
    training._last_sign = training._clock.now() - 100  # the heartbeat is 60 s
    training.progress = TrainingProgress()
    training.progress.begin_epoch(1, 5, compiles=True)
    assert training._hang_if_silent() == []
    training.progress.add_step(20)
    assert [type(message) for message in training._hang_if_silent()] == [Hung]


UNSPEAKABLE = """
def factory(image_shape, classes):
    raise RuntimeError("no such file: caf\\udce9.png")
"""


def test_a_failure_whose_text_is_no_unicode_is_heard_of_and_kept(
    worker: TrialWorker, tmp_path: Path
) -> None:
    (tmp_path / "unspeakable.py").write_text(UNSPEAKABLE)
    worker.reset_config(seal_config(config(tmp_path, model="unspeakable:factory")))
    (messages, done) = list(steps(worker))[-1]
    assert done
    assert isinstance(messages[-1], Failed)
    assert messages[-1].failure.message.endswith("no such file: caf\\udce9.png")
    json.dumps(messages[-1].failure.to_record(), ensure_ascii=False).encode()
    assert "caf\\udce9.png" in (tmp_path / "stderr.txt").read_text()


def test_time_for_which_the_worker_stood_still_is_no_silence(
    worker: TrialWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = worker._training
    assert training is not None
    moment = [time.monotonic()]
    monkeypatch.setattr(awake_clock.time, "monotonic", lambda: moment[0])
    training.stop()  # no sign of life comes any more
    training._clock.now()
    moment[0] += 3600
    assert training._hang_if_silent() == []
    for _ in range(20):
        moment[0] += 4
        training._clock.now()
    assert [type(message) for message in training._hang_if_silent()] == [Hung]


def test_a_trial_that_waits_is_put_down_with_its_state_and_nobody_has_to_ask(
    worker: TrialWorker, tmp_path: Path
) -> None:
    first = config(tmp_path / "promoted", epochs=3)
    assignment = json.loads(first["assignment"]) | {"until": 2}
    assert worker.reset_config(seal_config({**first, "assignment": json.dumps(assignment)}))
    said = [message for messages, _ in steps(worker) for message in messages]
    assert [message.row["epoch"] for message in said if isinstance(message, Reported)] == [1, 2]
    assert said[-1] == SetAside(2)
    assert len(list((tmp_path / "promoted" / "checkpoints").glob("*-epoch-000002.ckpt"))) == 1
    assignment |= {"attempt": 2, "epochs_reported": 2, "until": None}
    assert worker.reset_config(seal_config({**first, "assignment": json.dumps(assignment)}))
    assert [row["epoch"] for row in rows_of(worker)] == [3]
