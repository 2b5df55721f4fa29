"""The device a training runs on: finding it, timing it and measuring its memory."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
import pynvml
import torch

from study.training.runtime.failures import TrainingFailure
from study.training.runtime.gpu_share import limit_bytes

_DEVICE_TYPES = ("cpu", "cuda", "mps")
_SHORT = 0.1
"""Memory is short where less than this part of what a process may take is left."""
_FOUND = 0.95
"""So much of its memory a trial must find: drivers take some too."""
_PATIENCE_S = 30.0
"""How long memory is waited for: a killed process's comes back after its GPU has."""
_LOOK_S = 0.25


def resolve_device(name: str | torch.device) -> torch.device:
    """Return the device called ``name`` (cpu, cuda, cuda:NUMBER or mps).

    Raises a TrainingFailure of class ``device`` where this machine doesn't have it.
    """
    device_type, _, _ = str(name).partition(":")
    if device_type not in _DEVICE_TYPES:
        raise TrainingFailure(
            "device", f"{name} was asked for; accepted cpu | cuda | cuda:NUMBER | mps", {}
        )
    device = torch.device(name)
    if device.type == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        index = device.index or 0
        if index >= found:
            raise TrainingFailure("device", f"{name} was asked for; found {found} usable GPUs", {})
        return torch.device("cuda", index)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise TrainingFailure("device", "mps was asked for; this machine has none", {})
    return device


def device_name(device: torch.device) -> str:
    """Return the GPU's product name, or ``cpu`` or ``mps``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return device.type


def gpu_software(device: torch.device) -> str:
    """Return the versions that a GPU's figures depend on: driver, CUDA and cuDNN; else nothing."""
    if device.type != "cuda":
        return ""
    versions = {"driver": _driver_version(), "CUDA": torch.version.cuda}
    number = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    if number:
        major, rest = divmod(number, 10_000 if number >= 90_000 else 1000)
        versions["cuDNN"] = f"{major}.{rest // 100}.{rest % 100}"
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def _driver_version() -> str:
    try:
        pynvml.nvmlInit()
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return ""


def is_device_shared(device: torch.device) -> bool | None:
    """Tell whether others use the device now, which makes times less meaningful.

    A GPU is shared when another process computes on it; a CPU when its load average is above the
    number of processors. None where that can't be known.
    """
    if device.type == "cpu":
        load_of_last_minute, _, _ = os.getloadavg()
        return load_of_last_minute > (os.cpu_count() or 1)
    if device.type != "cuda":
        return None
    uuid = torch.cuda.get_device_properties(device).uuid
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
        return len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle)) > 1
    except pynvml.NVMLError:
        return None


def synchronized_time(device: torch.device) -> float:
    """Wait for the device's queued work, then read a monotonic clock, in seconds."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
    return time.perf_counter()


def reset_peak_memory(device: torch.device) -> None:
    """Let ``peak_memory_bytes`` count from now on (GPUs only)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: torch.device) -> int:
    """Return a GPU's peak of allocated bytes since ``reset_peak_memory``.

    For any other device it is what the process holds in memory now.
    """
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def memory_figures(device: torch.device) -> dict[str, int | float | str]:
    """Return the device's capacity and what is allocated of it, in bytes."""
    if device.type == "cuda":
        return {
            "allocated_bytes": torch.cuda.memory_allocated(device),
            "reserved_bytes": torch.cuda.memory_reserved(device),
            "capacity_bytes": torch.cuda.get_device_properties(device).total_memory,
        }
    memory = psutil.virtual_memory()
    return {
        "allocated_bytes": peak_memory_bytes(device),
        "free_bytes": memory.available,
        "capacity_bytes": memory.total,
    }


def is_memory_short(device: torch.device) -> bool:
    """Tell whether little is left of the memory that this process may take of a GPU."""
    if device.type != "cuda":
        return False
    try:
        free, total = torch.cuda.mem_get_info(device)
    except RuntimeError:
        return False  # it doesn't even answer
    allowed = torch.cuda.get_per_process_memory_fraction(device) * total
    cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    left = min(free + cached, allowed - torch.cuda.memory_allocated(device))
    return left < _SHORT * allowed


def release_memory(device: torch.device) -> None:
    """Collect garbage and give cached GPU memory back to the driver.

    A GPU that no longer answers keeps what it has, for as long as the process lives.
    """
    gc.collect()
    if device.type == "cuda":
        with suppress(RuntimeError):
            torch.cuda.empty_cache()


def trial_device(gpu_share: float, heartbeat: Callable[[], None] = lambda: None) -> str:
    """Return ``cuda`` where a trial was allotted a share of a GPU, else ``cpu``.

    The share becomes the limit of the memory that this process takes. Where others hold that
    memory, as a trial that was killed does for a moment, it is waited for, with ``heartbeat``
    called meanwhile. Raises a TrainingFailure of class ``device`` where torch finds no GPU, or
    others keep the share.
    """
    if gpu_share == 0:
        return "cpu"
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]  # it says what is wrong
        _, total = torch.cuda.mem_get_info()
    except (RuntimeError, AssertionError) as error:
        raise TrainingFailure(
            "device", f"the trial was allotted a GPU, and torch finds none that works: {error}", {}
        ) from None
    limit = limit_bytes(gpu_share, total)
    available = _wait_for_memory(limit, heartbeat)
    # A whole GPU may be one that a desktop uses a bit of.
    if gpu_share < 1 and available < _FOUND * limit:
        message = (
            f"{available / 2**30:.1f} GiB of the GPU are free, and the trial's share is"
            f" {gpu_share * total / 2**30:.1f}: others use it"
        )
        raise TrainingFailure("device", message, {"free_bytes": available, "total_bytes": total})
    torch.cuda.set_per_process_memory_fraction(limit / total)
    return "cuda"


def _wait_for_memory(wanted: int, heartbeat: Callable[[], None]) -> int:
    """Wait for a while until ``wanted`` bytes are there; return how many are."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        free, _ = torch.cuda.mem_get_info()
        available = free + torch.cuda.memory_reserved()  # an earlier trial's, in this process
        if available >= _FOUND * wanted or time.monotonic() >= deadline:
            return available
        heartbeat()
        time.sleep(_LOOK_S)
