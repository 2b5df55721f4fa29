"""The device a training runs on: whether it is there, its clock, its memory."""

from __future__ import annotations

import gc
import os
import time

import psutil
import pynvml
import torch

from study.training.runtime.failures import TrainingFailure

_KNOWN = ("cpu", "cuda", "mps")


def usable(name: str | torch.device) -> torch.device:
    """The device called ``name``; a failure of class ``device`` where the machine doesn't have
    it.
    """
    if str(name).partition(":")[0] not in _KNOWN:
        raise TrainingFailure(
            "device", f"{name} was asked for; accepted cpu | cuda | cuda:NUMBER | mps", {}
        )
    device = torch.device(name)
    if device.type == "cuda":
        found = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= found:
            raise TrainingFailure("device", f"{name} was asked for; found {found} usable GPUs", {})
        return torch.device("cuda", device.index or 0)
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise TrainingFailure("device", "mps was asked for; this machine has none", {})
    return device


def described(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def shared(device: torch.device) -> bool | None:
    """Whether others use the device now, so that times mean less; None where that can't be known.

    A GPU: another process computes on it. A CPU: more wants to run than there are processors.
    """
    if device.type == "cpu":
        return os.getloadavg()[0] > (os.cpu_count() or 1)
    if device.type != "cuda":
        return None
    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(
            f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        )
        return len(pynvml.nvmlDeviceGetComputeRunningProcesses(handle)) > 1
    except pynvml.NVMLError:
        return None


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def now(device: torch.device) -> float:
    """Seconds on a clock that waits for the device's work first."""
    _synchronize(device)
    return time.perf_counter()


def forget_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_bytes(device: torch.device) -> int:
    """A GPU: the most that tensors took since ``forget_peak``. A CPU: what the process has in
    memory now.
    """
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def memory_figures(device: torch.device) -> dict[str, int | float | str]:
    """What is allocated, reserved (a GPU) and there in all, in bytes."""
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


def release(device: torch.device) -> None:
    """Give back what nothing refers to any more."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
