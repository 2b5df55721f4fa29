"""What the texts of CUDA's errors mean: whose fault they are, and whether their process can go on.

After some of CUDA's errors each later call in the process fails as well, whoever makes it
(https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html: "the process must be
terminated and relaunched").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_CALL = r"(?:CUDA (?:driver )?error|Triton Error \[CUDA\]): [^\n]*?"
"""How torch and Triton begin what a call of CUDA has returned, up to a part of its one line."""

_OUT_OF_MEMORY = (
    r"out of memory",
    r"can't allocate memory",
    r"not enough memory",
    r"CU(?:BLAS|SOLVER|SPARSE|FFT|RAND|DNN)_STATUS_ALLOC(?:ATION)?_FAILED",
    # the handle could not be made, which takes memory
    r"CU(?:BLAS|DNN)_STATUS_NOT_INITIALIZED",
    r"CUDNN_STATUS_INTERNAL_ERROR_\w*ALLOCATION_FAILED",
)
_PERHAPS_OUT_OF_MEMORY = (
    # cuDNN tries one plan after the other, and drops why each could not be had
    r"unable to find an engine to execute this computation",
    r"Unable to find a valid cuDNN algorithm",
    r"CUSOLVER_STATUS_INTERNAL_ERROR",
)
_TRAINING_BROKE_CONTEXT = (
    # an index out of range, most often a label
    _CALL + r"device-side assert triggered",
)
_CONTEXT_BROKE = (
    _CALL + r"an illegal memory access was encountered",
    _CALL + r"an illegal instruction was encountered",
    _CALL + r"misaligned address",
    _CALL + r"invalid (?:program counter|address space)",
    _CALL + r"unspecified launch failure",
    _CALL + r"the launch timed out and was terminated",
    _CALL + r"hardware stack error",
    _CALL + r"unknown error",
    r"CU(?:BLAS|DNN|SOLVER)_STATUS_EXECUTION_FAILED",
)
_NO_DEVICE = (
    _CALL + r"uncorrectable (?:ECC error|NVLink error)",
    _CALL + r"(?:GPU|device) is lost",
    _CALL + r"[^\n]*device\(?s?\)?(?: is/| )are (?:/is )?busy or unavailable",
    _CALL + r"system (?:not yet initialized|has unsupported)",
    _CALL + r"no kernel image is available",
    _CALL + r"initialization error",
    _CALL + r"invalid device ordinal",
    _CALL + r"no CUDA-capable device",
    _CALL + r"[^\n]*\bMPS (?:client|server|control)",
    r"CUDA unknown error",
    r"CUDA driver initialization failed",
    r"Unexpected error from cudaGetDeviceCount",
    r"No CUDA GPUs are available",
    r"Found no NVIDIA driver",
    r"NVIDIA driver on your system is too old",
    r"Torch not compiled with CUDA enabled",
    r"Pin memory thread exited unexpectedly",
    # what torch.compile needs of a node, which another one may have
    r"Failed to find C compiler",
    r"No working C\+\+ compiler found",
)


@dataclass(frozen=True)
class GpuError:
    """What an error's text says."""

    failure_class: Literal["out_of_memory", "device", "error"]
    is_certain: bool = True
    """Otherwise it holds only where the GPU's memory is short."""
    breaks_context: bool = False
    """Whether no later call of the process can succeed, while the GPU itself may be well."""


_MEANINGS: tuple[tuple[tuple[str, ...], GpuError], ...] = (
    (_OUT_OF_MEMORY, GpuError("out_of_memory")),
    (_PERHAPS_OUT_OF_MEMORY, GpuError("out_of_memory", is_certain=False)),
    (_TRAINING_BROKE_CONTEXT, GpuError("error", breaks_context=True)),
    (_CONTEXT_BROKE, GpuError("device", breaks_context=True)),
    (_NO_DEVICE, GpuError("device")),
)
"""The first one that an error's text holds counts."""


def gpu_error(text: str) -> GpuError | None:
    """Read an error's text; None where it says nothing of a GPU or of memory."""
    for phrases, meaning in _MEANINGS:
        if any(re.search(phrase, text, re.IGNORECASE) for phrase in phrases):
            return meaning
    return None
