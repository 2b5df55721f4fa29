"""Why a training ended without a result, as one of seven classes and one line, never a bare
traceback.

out_of_memory   the device (or the machine) could not give the memory asked for
diverged        the loss was no finite number
invalid         the recipe can't be built: found before training
device          a device was promised that is not there or does not start
data            the images are missing, damaged, or not those of the checkpoint
timeout         it took longer than it may
error           everything else
"""

from __future__ import annotations

import re
import traceback
from typing import Literal

import torch

from study.errors import DataMissing

FailureClass = Literal["out_of_memory", "diverged", "invalid", "device", "data", "timeout", "error"]
Details = dict[str, int | float | str]

_BYTES = {"bytes": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_AMOUNT = r"([\d.]+) (bytes|[KMGT]iB)"
_MEMORY = {
    "requested_bytes": rf"[Tt]ried to allocate {_AMOUNT}",
    "capacity_bytes": rf"total capacity of {_AMOUNT}",
    "free_bytes": rf"of which {_AMOUNT} is free",
    "allocated_bytes": rf"memory {_AMOUNT} is allocated by PyTorch",
    "reserved_unallocated_bytes": rf"{_AMOUNT} is reserved by PyTorch but unallocated",
}
"""Where CUDA's and the CPU's allocators say what they were asked for and what they had."""

_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
_NO_DEVICE = (
    "No CUDA GPUs are available",
    "Found no NVIDIA driver",
    "CUDA driver initialization failed",
    "no CUDA-capable device",
    "Torch not compiled with CUDA enabled",
    "invalid device ordinal",
    "CUDA unknown error",
    "initialization error",
)
_LONGEST_MESSAGE = 400


class Stopped(Exception):
    """Raised by a heartbeat to end the training here; the last epoch's checkpoint is what
    counts.
    """


class TrainingFailure(Exception):
    """``failure_class``, one line of ``message``, and ``details``: bytes, the step, or a traceback
    as text.
    """

    def __init__(self, failure_class: FailureClass, message: str, details: Details) -> None:
        super().__init__(failure_class, message, details)
        self.failure_class: FailureClass = failure_class
        self.message = " ".join(message.split())[:_LONGEST_MESSAGE]
        self.details = details

    def __str__(self) -> str:
        return f"{self.failure_class}: {self.message}"


def classify(error: BaseException) -> TrainingFailure:
    """The failure that an exception means; its traceback is kept as text, so that no tensor stays
    referred to.
    """
    text = str(error)
    if isinstance(error, TrainingFailure):
        return TrainingFailure(error.failure_class, error.message, error.details)
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or _says(text, _OUT_OF_MEMORY):
        return TrainingFailure("out_of_memory", text or "out of memory", _memory_in(text))
    if isinstance(error, DataMissing):
        return TrainingFailure("data", text, {})
    if isinstance(error, TimeoutError):
        return TrainingFailure("timeout", text or "it took longer than it may", {})
    if _says(text, _NO_DEVICE):
        return TrainingFailure("device", text, {})
    trace = "".join(traceback.format_exception(error))
    return TrainingFailure("error", f"{type(error).__name__}: {text}", {"traceback": trace})


def _says(text: str, phrases: tuple[str, ...]) -> bool:
    return any(phrase.lower() in text.lower() for phrase in phrases)


def _memory_in(text: str) -> Details:
    """The figures that an allocator's message holds, in bytes; ``reserved_bytes`` is what PyTorch
    held in all.
    """
    found: Details = {}
    for name, pattern in _MEMORY.items():
        if match := re.search(pattern, text):
            found[name] = int(float(match[1]) * _BYTES[match[2]])
    if {"allocated_bytes", "reserved_unallocated_bytes"} <= found.keys():
        found["reserved_bytes"] = int(found["allocated_bytes"]) + int(
            found["reserved_unallocated_bytes"]
        )
    return found
