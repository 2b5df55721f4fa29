"""The device a training runs on: finding it, timing it and measuring its memory."""

from __future__ import annotations

import gc
import os
import time
from contextlib import suppress

import psutil
import pynvml
import torch

from study.training.runtime.failures import TrainingFailure

_DEVICE_TYPES = ("cpu", "cuda", "mps")
_SHORT = 0.1
"""Memory is short where less than this part of what a process may take is left."""
_SHARE_FOUND = 0.8
"""So much of its share of a GPU's memory a trial must find: drivers and libraries take some too."""


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


def trial_device(gpu_share: float) -> str:
    """Return ``cuda`` where a trial was allotted a share of a GPU, else ``cpu``.

    A share below 1 becomes the limit of the memory that this process takes. Raises a
    TrainingFailure of class ``device`` where torch finds no GPU, or others have taken the share.
    """
    if gpu_share == 0:
        return "cpu"
    if not torch.cuda.is_available():
        raise TrainingFailure(
            "device", "the trial was allotted a GPU, and torch finds none that it can use", {}
        )
    if gpu_share < 1:
        _keep_to_share(gpu_share)
    return "cuda"


def _keep_to_share(share: float) -> None:
    """Check that a share of the GPU's memory is there, and take no more: neighbors rely on it."""
    free, total = torch.cuda.mem_get_info()
    own = torch.cuda.memory_reserved()  # a process that trained before holds this
    available = free + own
    if available < _SHARE_FOUND * share * total:
        message = (
            f"{available / 2**30:.1f} GiB of the GPU are free, and the trial's share is"
            f" {share * total / 2**30:.1f}: others use it"
        )
        raise TrainingFailure("device", message, {"free_bytes": available, "total_bytes": total})
    torch.cuda.set_per_process_memory_fraction(share)
