"""CUDA's errors, as torch and its libraries word them, have a class; some end their process."""

from __future__ import annotations

import pytest
import torch

from study.training.runtime.failures import classify

TAIL = """
Search for `cudaErrorX' in https://docs.nvidia.com for more information.
CUDA kernel errors might be asynchronously reported at some other API call.
Compile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.
"""

FULL = (
    "CUDA error: out of memory",
    "CUDA driver error: out of memory",
    "Triton Error [CUDA]: out of memory",
    "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
    "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED",
    "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
    "cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`",
)
PERHAPS_FULL = (
    "cusolver error: CUSOLVER_STATUS_INTERNAL_ERROR, when calling `cusolverDnCreate(handle)`",
    "GET was unable to find an engine to execute this computation",
    "FIND was unable to find an engine to execute this computation",
    "Unable to find a valid cuDNN algorithm to run convolution",
)
BROKEN_CONTEXT = (
    "CUDA error: an illegal memory access was encountered",
    "CUDA error: unspecified launch failure",
    "CUDA error: misaligned address",
    "CUDA error: the launch timed out and was terminated",
    "CUDA error: unknown error",
    "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
    "CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`",
)
NO_DEVICE = (
    "CUDA error: uncorrectable ECC error encountered",
    "CUDA error: CUDA-capable device(s) is/are busy or unavailable",
    "CUDA error: all CUDA-capable devices are busy or unavailable",
    "CUDA error: system not yet initialized",
    "CUDA error: no kernel image is available for execution on the device",
    "CUDA error: MPS client failed to connect to the MPS control daemon or the MPS server",
    "CUDA error: the remote procedural call between the MPS server and the MPS client failed",
    "CUDA error: Mps server not ready",
    "CUDA error: GPU is lost",
    "CUDA error: initialization error",
    "The NVIDIA driver on your system is too old (found version 11040).",
    "Unexpected error from cudaGetDeviceCount(). Error 802: system not yet initialized",
    "CUDA unknown error - this may be due to an incorrectly set up environment",
    "Pin memory thread exited unexpectedly",
    "Failed to find C compiler. Please specify via CC environment variable or set triton.knobs",
    "InvalidCxxCompiler: No working C++ compiler found in torch._inductor.config.cpp.cxx: (None,)",
)


def gpu_says(text: str) -> Exception:
    return torch.AcceleratorError(text + TAIL) if text.startswith("CUDA") else RuntimeError(text)


@pytest.mark.parametrize("text", FULL)
def test_memory_that_ran_out_is_told_as_that_whichever_library_says_so(text: str) -> None:
    failure = classify(gpu_says(text))
    assert (failure.failure_class, failure.ends_process) == ("out_of_memory", False)


@pytest.mark.parametrize("text", PERHAPS_FULL)
def test_what_may_be_want_of_memory_is_where_little_is_left(text: str) -> None:
    assert classify(gpu_says(text), lambda: True).failure_class == "out_of_memory"
    assert classify(gpu_says(text), lambda: False).failure_class == "error"


@pytest.mark.parametrize("text", BROKEN_CONTEXT)
def test_an_error_that_all_later_calls_repeat_ends_its_process(text: str) -> None:
    failure = classify(gpu_says(text))
    assert (failure.failure_class, failure.ends_process) == ("device", True)
    assert failure.details == {"context_lost": True}
    assert classify(failure).ends_process, "also where it is handed on"


@pytest.mark.parametrize("text", NO_DEVICE)
def test_a_gpu_that_does_not_start_is_a_failure_of_the_device(text: str) -> None:
    failure = classify(gpu_says(text))
    assert (failure.failure_class, failure.ends_process) == ("device", True)
    assert failure.details == {}


def test_a_label_out_of_range_is_the_trainings_own_and_ends_its_process() -> None:
    failure = classify(gpu_says("CUDA error: device-side assert triggered"))
    assert (failure.failure_class, failure.ends_process) == ("error", True)
    assert "traceback" in failure.details


@pytest.mark.parametrize(
    "text",
    [
        "PassManager::run failed: initialization error in compiler plugin",
        "CUDA error: invalid argument",
        "DataLoader worker (pid 4711) is killed by signal: Bus error.",
    ],
)
def test_other_errors_say_nothing_of_the_gpu(text: str) -> None:
    failure = classify(gpu_says(text))
    assert (failure.failure_class, failure.ends_process) == ("error", False)


def test_an_operation_that_torch_cannot_repeat_is_refused_in_the_recipes_words() -> None:
    failure = classify(
        RuntimeError("avg_pool3d_backward_cuda does not have a deterministic implementation")
    )
    assert failure.failure_class == "invalid"
    assert failure.message.startswith("execution.deterministic: avg_pool3d")
