"""A failure has a class and one line, and leaves nothing behind."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from study.errors import DataMissing, StorageFault
from study.training.models import factory
from study.training.recipe.recipe import Recipe
from study.training.runtime.failures import Stopped, TrainingFailure, classify, traceback_text

from ..conftest import Memory, trained

CUDA_MESSAGE = (
    "CUDA out of memory. Tried to allocate 200.00 MiB. GPU 0 has a total capacity of 7.80 GiB of"
    " which 164.81 MiB is free. Process 1 has 7.60 GiB memory in use. Of the allocated memory 5.56"
    " GiB is allocated by PyTorch, and 286.72 MiB is reserved by PyTorch but unallocated. If"
    " reserved but unallocated memory is large try setting"
)


def test_out_of_memory_on_a_gpu_says_how_much() -> None:
    failure = classify(torch.OutOfMemoryError(CUDA_MESSAGE))
    assert failure.failure_class == "out_of_memory"
    assert failure.details["requested_bytes"] == 200 * 2**20
    assert failure.details["capacity_bytes"] == int(7.80 * 2**30)
    assert failure.details["allocated_bytes"] == int(5.56 * 2**30)
    assert failure.details["reserved_bytes"] == int(5.56 * 2**30) + int(286.72 * 2**20)
    assert "\n" not in failure.message


def test_the_limit_of_a_share_is_among_the_figures() -> None:
    failure = classify(torch.OutOfMemoryError(f"{CUDA_MESSAGE}. 1.95 GiB allowed; Of the"))
    assert failure.details["limit_bytes"] == int(1.95 * 2**30)


def test_out_of_memory_on_a_cpu_says_how_much() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    failure = classify(caught.value)
    assert failure.failure_class == "out_of_memory"
    assert failure.details["requested_bytes"] == 2**52


@pytest.mark.parametrize(
    ("error", "failure_class"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("CUDA error: out of memory"), "out_of_memory"),
        (
            RuntimeError(
                "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"
            ),
            "out_of_memory",
        ),
        (RuntimeError("No CUDA GPUs are available"), "device"),
        (RuntimeError("Found no NVIDIA driver on your system."), "device"),
        (AssertionError("Torch not compiled with CUDA enabled"), "device"),
        (DataMissing("mnist: …"), "data"),
        (TimeoutError(), "timeout"),
        (ValueError("anything else"), "error"),
    ],
)
def test_foreign_exceptions_have_a_class(error: Exception, failure_class: str) -> None:
    assert classify(error).failure_class == failure_class


def test_a_gpu_that_is_not_there_is_a_failure_of_the_device(tiny: Callable[..., Recipe]) -> None:
    name = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(TrainingFailure, match="was asked for") as caught:
        trained(tiny(), device=name)
    assert caught.value.failure_class == "device"


def test_a_loss_that_is_no_number_is_diverged_at_its_step(tiny: Callable[..., Recipe]) -> None:
    with pytest.raises(TrainingFailure) as caught:
        trained(tiny(optimizer={"name": "sgd", "lr": 1e6}, epochs=30, model={"dropout": 0.0}))
    assert caught.value.failure_class == "diverged"
    assert int(caught.value.details["step"]) >= 2


class Hungry(nn.Module):
    """Asks for more memory than any machine has; ``held`` remembers what was alive then."""

    held: weakref.ref[Tensor] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Tensor:
        large = images.sum() * self.weight * torch.ones(1000)
        Hungry.held = weakref.ref(large)
        return large + torch.empty(2**50)


def hungry(*arguments: Any) -> nn.Module:
    return Hungry()


def too_small(*arguments: Any) -> nn.Module:
    raise ValueError("the images are too small")


def test_after_out_of_memory_nothing_holds_on_to_memory_and_the_next_trial_runs(
    tiny: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(factory, "build_model", hungry)
        gc.disable()  # what a cycle would hold is held until the next collection, which may be too late
        try:
            with pytest.raises(TrainingFailure) as caught:
                trained(tiny())
        finally:
            gc.enable()
    assert caught.value.failure_class == "out_of_memory"
    assert {"requested_bytes", "allocated_bytes", "capacity_bytes"} <= caught.value.details.keys()
    assert caught.value.__context__ is None
    assert Hungry.held is not None
    assert Hungry.held() is None
    rows, _ = trained(tiny())
    assert len(rows) == 3


def test_a_model_that_cannot_be_built_is_invalid(
    tiny: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(factory, "build_model", too_small)
    with pytest.raises(TrainingFailure, match="the images are too small") as caught:
        trained(tiny())
    assert caught.value.failure_class == "invalid"


@pytest.mark.parametrize(
    "data",
    [
        {"train_images": 1, "validation": {"fraction": 0.5}},
        {"train_images": 10, "batch_size": 64, "drop_last": True},
        {"name": "no_such_package.here:factory"},
        {"name": "study.training.seconds:nothing"},
    ],
)
def test_data_that_cannot_be_trained_on_is_invalid(
    tiny: Callable[..., Recipe], data: dict[str, Any]
) -> None:
    with pytest.raises(TrainingFailure) as caught:
        trained(tiny(data=data))
    assert caught.value.failure_class == "invalid"


def test_resuming_on_other_images_is_refused(tiny: Callable[..., Recipe]) -> None:
    store = Memory()
    trained(tiny(), checkpoint=store)
    with pytest.raises(TrainingFailure, match="must be the same on resuming") as caught:
        trained(tiny(data={"train_images": 40}), checkpoint=store)
    assert caught.value.failure_class == "data"


def test_a_heartbeat_can_stop_a_training_between_steps(tiny: Callable[..., Recipe]) -> None:
    beats: list[int] = []

    def heartbeat() -> None:
        beats.append(1)
        if len(beats) == 6:
            raise Stopped

    store = Memory()
    with pytest.raises(Stopped):
        trained(tiny(), checkpoint=store, heartbeat=heartbeat)
    assert list(store.kept) == [1]
    rows, _ = trained(tiny(), checkpoint=store)
    assert [row["epoch"] for row in rows] == [1, 2, 3]


def test_a_full_disk_is_no_failure_of_the_training(
    tiny: Callable[..., Recipe], tmp_path: Path
) -> None:
    class Full(Memory):
        def save(self, epoch: int, state: dict[str, Any]) -> None:
            raise StorageFault("no space left on device")

    with pytest.raises(StorageFault):
        trained(tiny(), checkpoint=Full())


class _Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit("no text")


def test_an_exception_whose_text_raises_is_still_classed() -> None:
    failure = classify(_Mute())
    assert failure.failure_class == "error"
    assert failure.message == "_Mute: (its text can't be made: SystemExit)"


def test_a_chain_of_exceptions_is_cut() -> None:
    error = ValueError("first")
    for number in range(50_000):
        following = ValueError(f"number {number}")
        following.__cause__ = error
        error = following
    text = traceback_text(error)
    assert "number 49999" in text
    assert text.count("ValueError") == 20


def test_a_long_text_is_cut() -> None:
    failure = classify(ValueError("x" * 30_000_000))
    assert len(failure.message) <= 400
    assert len(str(failure.details["traceback"])) < 110_000


def test_being_stopped_is_no_exception_that_a_training_may_handle() -> None:
    assert not issubclass(Stopped, Exception)


def test_a_batch_of_one_image_that_batch_norm_refuses_is_told_with_its_remedy(
    tiny: Callable[..., Recipe],
) -> None:
    recipe = tiny(
        model={"name": "mlp", "norm": "every_conv"},
        data={"train_images": 12, "validation": {"fraction": 0.25}, "batch_size": 4},
    )
    with pytest.raises(TrainingFailure, match=r"^invalid: data.batch_size: must leave no batch"):
        trained(recipe)
