"""Why a training ended without a result: one of seven classes and one line of text.

out_of_memory   the device (or the machine) could not give the memory asked for
diverged        the loss was no finite number
invalid         the recipe can't be built: found before training
device          a device was promised that is not there, does not start or broke down
data            the images are missing, damaged, or not those of the checkpoint
timeout         it took longer than it may
error           everything else
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from typing import Literal

import torch

from study.errors import DataMissing
from study.training.runtime.gpu_errors import gpu_error
from study.training.runtime.own_frames import own_frames, own_frames_first, own_place

TrainingFailureClass = Literal[
    "out_of_memory", "diverged", "invalid", "device", "data", "timeout", "error"
]
FailureDetails = dict[str, int | float | str]

_BYTES_PER_UNIT = {"bytes": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_AMOUNT = r"([\d.]+) (bytes|[KMGT]iB)"
_MEMORY_PATTERNS = {
    "requested_bytes": rf"[Tt]ried to allocate {_AMOUNT}",
    "capacity_bytes": rf"total capacity of {_AMOUNT}",
    "free_bytes": rf"of which {_AMOUNT} is free",
    "allocated_bytes": rf"memory {_AMOUNT} is allocated by PyTorch",
    "reserved_unallocated_bytes": rf"{_AMOUNT} is reserved by PyTorch but unallocated",
    "limit_bytes": rf"{_AMOUNT} allowed",
}
"""How the messages of CUDA's and the CPU's allocators name each figure."""

_NOT_DETERMINISTIC = "does not have a deterministic implementation"
"""How torch refuses an operation of the model under ``execution.deterministic``."""
_SINGLE_VALUE = "Expected more than 1 value per channel when training"
"""How torch refuses batch norm of one image whose maps have shrunk to a pixel."""
CONTEXT_LOST = "context_lost"
"""Among a failure's details: CUDA answers no call of the process any more."""
_LONGEST_MESSAGE = 400
_LONGEST_TEXT = 100_000
"""Characters of an exception's own text, and of a traceback."""
_LONGEST_CHAIN = 20
"""So many exceptions that led to each other are shown."""


class Stopped(BaseException):
    """Ends a training now; the newest checkpoint stays.

    It is no Exception, so that a training's own ``except Exception`` doesn't swallow it.
    """


class TrainingFailure(Exception):
    """A training failed: its class, one line of message, and details.

    ``details`` holds figures in bytes, the step, or a traceback as text, as far as they are known.
    Where they hold ``context_lost``, no GPU can be used in this process any more.
    """

    def __init__(
        self, failure_class: TrainingFailureClass, message: str, details: FailureDetails
    ) -> None:
        super().__init__(failure_class, message, details)
        self.failure_class: TrainingFailureClass = failure_class
        self.message = " ".join(message.split())[:_LONGEST_MESSAGE]
        self.details = details

    def __str__(self) -> str:
        return f"{self.failure_class}: {self.message}"

    @property
    def ends_process(self) -> bool:
        """Whether its process is of no use to another training."""
        return self.failure_class == "device" or CONTEXT_LOST in self.details


def classify(
    error: BaseException, is_memory_short: Callable[[], bool] = lambda: False
) -> TrainingFailure:
    """Turn any exception into a failure.

    Its traceback is kept as text alone, because a live one would keep tensors in memory.
    ``is_memory_short`` is asked of the device where an error's text alone doesn't tell.
    """
    if isinstance(error, TrainingFailure):
        return TrainingFailure(error.failure_class, error.message, error.details)
    text = error_text(error)
    of_gpu = gpu_error(text)
    if of_gpu and not of_gpu.is_certain and not is_memory_short():
        of_gpu = None
    is_out_of_memory = isinstance(error, torch.OutOfMemoryError | MemoryError)
    if is_out_of_memory or (of_gpu and of_gpu.failure_class == "out_of_memory"):
        return TrainingFailure("out_of_memory", text or "out of memory", _parse_memory(text))
    if isinstance(error, DataMissing):
        return TrainingFailure("data", text, {})
    if _NOT_DETERMINISTIC in text:
        return TrainingFailure("invalid", f"execution.deterministic: {text}", {})
    if _SINGLE_VALUE in text and not own_place(error):
        fault = (
            "data.batch_size: must leave no batch of one image, nor micro-batch: batch norm sees a"
            " single number of it, and data.drop_last leaves out a last one"
        )
        return TrainingFailure("invalid", fault, {})
    if isinstance(error, TimeoutError):
        return TrainingFailure("timeout", text or "it took longer than it may", {})
    context: FailureDetails = {CONTEXT_LOST: True} if of_gpu and of_gpu.breaks_context else {}
    if of_gpu and of_gpu.failure_class == "device":
        return TrainingFailure("device", text, context)
    details: FailureDetails = {"traceback": traceback_text(error), **context}
    place = own_place(error)
    if place:
        frames = own_frames(error)
        is_syntax = isinstance(error, SyntaxError) or not frames
        details["place"] = place if is_syntax else f"{place} in {frames[-1].name}"
    return TrainingFailure("error", f"{type(error).__name__}: {text}", details)


def error_text(error: BaseException) -> str:
    """Return what an exception says, cut where it is long; making its text may fail, too."""
    try:
        return str(error)[:_LONGEST_TEXT]
    except BaseException as broken:
        return f"(its text can't be made: {type(broken).__name__})"


def traceback_text(error: BaseException) -> str:
    """Return an exception's traceback as text, cut where it is long.

    Its class and message come first, then the frames of the user's own code, then all of it. The
    exceptions that led to it are shown up to a number, and the others are let go of.
    """
    _cut_chain(error)
    try:
        text = own_frames_first(error) + "".join(traceback.format_exception(error))
    except Exception as broken:
        return f"(its traceback can't be made: {type(broken).__name__})"
    if len(text) <= _LONGEST_TEXT:
        return text
    half = _LONGEST_TEXT // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"


def _cut_chain(error: BaseException) -> None:
    """Let go of all but the newest exceptions of a chain."""
    newest: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if newest is None:
            return
        last, newest = newest, newest.__cause__ or newest.__context__
    last.__cause__ = last.__context__ = None


def _parse_memory(text: str) -> FailureDetails:
    """Read the figures in an allocator's message, in bytes.

    ``reserved_bytes`` is added: all that PyTorch held, allocated or not.
    """
    figures: dict[str, int] = {}
    for name, pattern in _MEMORY_PATTERNS.items():
        match = re.search(pattern, text)
        if match:
            amount, unit = match.groups()
            figures[name] = int(float(amount) * _BYTES_PER_UNIT[unit])
    if "allocated_bytes" in figures and "reserved_unallocated_bytes" in figures:
        unallocated = figures["reserved_unallocated_bytes"]
        figures["reserved_bytes"] = figures["allocated_bytes"] + unallocated
    return dict(figures)
