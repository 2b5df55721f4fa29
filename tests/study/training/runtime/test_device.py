"""The device is found or refused in words, and its clock and memory can be read."""

from __future__ import annotations

import pynvml
import pytest
import torch

from study.training.runtime import device as device_module
from study.training.runtime.device import (
    device_name,
    gpu_software,
    is_device_shared,
    is_memory_short,
    memory_figures,
    peak_memory_bytes,
    release_memory,
    reset_peak_memory,
    resolve_device,
    synchronized_time,
    trial_device,
)
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.gpu_share import CONTEXT_BYTES, limit_bytes

CPU = torch.device("cpu")


def test_the_software_of_a_gpu_is_named_as_far_as_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 91002)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: "580.1")
    gpu = torch.device("cuda", 0)
    assert gpu_software(gpu) == "driver 580.1, CUDA 13.0, cuDNN 9.10.2"
    monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 8902)
    monkeypatch.setattr(pynvml, "nvmlInit", _refuse)
    assert gpu_software(gpu) == "CUDA 13.0, cuDNN 8.9.2"
    assert gpu_software(torch.device("cpu")) == ""


def _refuse() -> None:
    raise pynvml.NVMLError(pynvml.NVML_ERROR_DRIVER_NOT_LOADED)


def test_a_device_is_found_by_its_name() -> None:
    assert resolve_device("cpu") == CPU
    assert resolve_device(CPU) == CPU
    assert device_name(CPU) == "cpu"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tpu", "tpu was asked for; accepted cpu | cuda"),
        (f"cuda:{torch.cuda.device_count()}", "usable GPUs"),
    ],
)
def test_a_device_that_is_not_there_is_refused(name: str, message: str) -> None:
    with pytest.raises(TrainingFailure) as caught:
        resolve_device(name)
    assert caught.value.failure_class == "device"
    assert message in caught.value.message


def test_a_cpu_is_shared_when_more_wants_to_run_than_it_has_processors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    for load, is_shared in ((3.9, False), (4.1, True)):
        monkeypatch.setattr("os.getloadavg", lambda load=load: (load, 0.0, 0.0))
        assert is_device_shared(CPU) is is_shared


def test_of_other_devices_it_is_not_known_whether_they_are_shared() -> None:
    assert is_device_shared(torch.device("meta")) is None


def test_the_clock_never_runs_backwards() -> None:
    first = synchronized_time(CPU)
    torch.ones(100, 100) @ torch.ones(100, 100)
    assert synchronized_time(CPU) >= first


def test_memory_is_counted_in_bytes() -> None:
    reset_peak_memory(CPU)
    held = torch.ones(10_000_000)  # 40 million bytes, written to
    assert peak_memory_bytes(CPU) > held.nbytes
    figures = memory_figures(CPU)
    assert 0 < figures["allocated_bytes"] < figures["capacity_bytes"]  # type: ignore[operator]
    release_memory(CPU)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A GPU of 16 GiB, of which ``free`` are free and ``own`` this process's; ``limit`` is what it
    was limited to.
    """
    state = {"free": 16.0, "own": 0.0, "limit": 1.0}
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(device_module, "_LOOK_S", 0.001)
    monkeypatch.setattr(device_module, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(
        torch.cuda, "mem_get_info", lambda: (int(state["free"] * 2**30), 16 * 2**30)
    )
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: int(state["own"] * 2**30))
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda share: state.update(limit=share)
    )
    return state


def test_a_share_is_a_limit_that_leaves_room_for_the_processes_own_context(
    gpu: dict[str, float],
) -> None:
    assert trial_device(0.25) == "cuda"
    assert gpu["limit"] == (0.25 * 16 - 0.75) / 16


def test_a_whole_gpu_has_no_limit_also_after_a_share(gpu: dict[str, float]) -> None:
    trial_device(0.25)
    assert trial_device(1) == "cuda"
    assert gpu["limit"] == 1.0


@pytest.mark.parametrize("total", [16, 24, 139.8])
@pytest.mark.parametrize("trials", [2, 4, 8])
def test_trials_at_their_limits_fit_side_by_side_with_their_contexts(
    total: float, trials: int
) -> None:
    size = int(total * 2**30)
    each = limit_bytes(1 / trials, size) + CONTEXT_BYTES
    assert trials * each <= size


def test_a_predecessors_memory_is_waited_for(gpu: dict[str, float]) -> None:
    gpu["free"] = 1.0
    beats: list[int] = []

    def heartbeat() -> None:
        beats.append(1)
        if len(beats) == 3:
            gpu["free"] = 4.0

    assert trial_device(0.25, heartbeat) == "cuda"
    assert len(beats) == 3


def test_a_whole_gpu_is_taken_even_where_others_keep_a_bit_of_it(gpu: dict[str, float]) -> None:
    gpu["free"] = 13.0
    assert trial_device(1) == "cuda"


def test_memory_that_others_have_taken_is_a_failure_of_the_device(gpu: dict[str, float]) -> None:
    gpu["free"] = 3.0
    with pytest.raises(
        TrainingFailure, match=r"3\.0 GiB of the GPU are free, and the trial's share is 4\.0"
    ) as caught:
        trial_device(0.25)
    assert caught.value.failure_class == "device"


def test_what_the_worker_itself_holds_counts_as_free(gpu: dict[str, float]) -> None:
    gpu.update(free=3.0, own=1.5)
    assert trial_device(0.25) == "cuda"


def test_a_gpu_that_is_not_there_is_a_failure_of_the_device() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(TrainingFailure, match=r"torch finds none.*(CUDA|NVIDIA)") as caught:
        trial_device(1)
    assert caught.value.failure_class == "device"


@pytest.mark.parametrize(("left", "is_short"), [(3.0, False), (0.1, True)])
def test_memory_is_short_where_little_of_a_share_is_left(
    monkeypatch: pytest.MonkeyPatch, left: float, is_short: bool
) -> None:
    used = int((4.0 - left) * 2**30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (12 * 2**30, 16 * 2**30))
    monkeypatch.setattr(torch.cuda, "get_per_process_memory_fraction", lambda device: 0.25)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: used)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: used)
    assert is_memory_short(torch.device("cuda", 0)) is is_short
    assert not is_memory_short(CPU)
