"""All randomness of a training comes from its recipe's seed, and none of it leaks into the process.

Data order and augmentation are drawn from generators made anew for each epoch, batch or image.
They are pure functions of the seed and the position, so nothing of them needs a checkpoint. Only
the model's initialization and dropout, and code of the user's own, use global generators: those of
torch, of Python's ``random`` and of numpy.
"""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch

from study.training.recipe.recipe import Recipe
from study.training.runtime.process_memory import freed_memory_kept

_CUBLAS_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_REPEATING_WORKSPACES = (":4096:8", ":16:8")
"""With these alone cuBLAS repeats itself: 24 MiB or less of the GPU."""

# cuBLAS's first call in a process reads this, be that training deterministic or not.
if os.environ.get(_CUBLAS_WORKSPACE) not in _REPEATING_WORKSPACES:
    os.environ[_CUBLAS_WORKSPACE] = _REPEATING_WORKSPACES[0]


def derive_seed(*position: int | str) -> int:
    """Return a seed of 63 bits for a position such as ``(recipe.seed, "order", epoch)``."""
    text = "/".join(map(str, position))
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_generator(*position: int | str) -> torch.Generator:
    """Return a fresh CPU generator seeded for a position (see ``derive_seed``)."""
    return torch.Generator().manual_seed(derive_seed(*position))


def seed_everything(*position: int | str) -> None:
    """Seed the global generators of torch, Python's ``random`` and numpy for a position."""
    seed = derive_seed(*position)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def random_states(device: torch.device) -> dict[str, Any]:
    """Return the states of the global generators: torch's, of the CPU and, if used, of the GPU,
    that of Python's ``random`` and numpy's.
    """
    states: dict[str, Any] = {
        "cpu": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": _numpy_state(),
    }
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    if device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def restore_random_states(states: dict[str, Any], device: torch.device) -> None:
    """Set the global generators to what ``random_states`` returned, as far as it is in there."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)
    if device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"])
    if "python" in states:
        random.setstate(states["python"])
    if "numpy" in states:
        name, keys, position, has_gauss, cached_gauss = states["numpy"]
        np.random.set_state((name, keys.numpy(), position, has_gauss, cached_gauss))


def _numpy_state() -> tuple[Any, ...]:
    """The state of numpy's global generator in types that a checkpoint may hold."""
    name, keys, *rest = np.random.get_state(legacy=True)
    return (name, torch.from_numpy(np.array(keys)), *rest)


@contextmanager
def isolated_process_state(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """Set torch's global switches, the global generators and the ways of the heap for one training,
    and restore them afterwards, whatever the training's own code has made of them.
    """
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with (
        _restored_switches(),
        freed_memory_kept(device),
        torch.cuda.device(device) if device.type == "cuda" else nullcontext(),
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
    ):
        try:
            _set_switches(recipe)
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
            if recipe.execution.mode == "compile":
                torch.compiler.reset()


def _set_switches(recipe: Recipe) -> None:
    deterministic = recipe.execution.deterministic
    is_tf32 = recipe.precision == "tf32"
    # This one also tells mkldnn, which is told otherwise below, and what reads all of them at once.
    torch.set_float32_matmul_precision("high" if is_tf32 else "highest")
    backends: Any = torch.backends
    for switch in (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn):
        switch.fp32_precision = "tf32" if is_tf32 else "ieee"
    for switch in (backends.mkldnn.matmul, backends.mkldnn.conv, backends.mkldnn.rnn):
        switch.fp32_precision = "ieee"
    if recipe.execution.mode == "compile":  # else 32 processes compile, whatever the trial may use
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", str(torch.get_num_threads()))
    torch.backends.cudnn.benchmark = not deterministic
    torch.backends.cudnn.deterministic = deterministic
    torch.use_deterministic_algorithms(deterministic)
    torch.set_default_dtype(torch.float32)


@contextmanager
def _restored_switches() -> Iterator[None]:
    """Put torch's global switches back at the end of the block."""
    cudnn = torch.backends.cudnn
    algorithms = (cudnn.benchmark, cudnn.deterministic)
    precisions = [switch.fp32_precision for switch in _precision_switches()]
    were_deterministic = torch.are_deterministic_algorithms_enabled()
    warned_only = torch.is_deterministic_algorithms_warn_only_enabled()
    dtype = torch.get_default_dtype()
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(were_deterministic, warn_only=warned_only)
        torch.set_default_dtype(dtype)
        cudnn.benchmark, cudnn.deterministic = algorithms
        # One call of this sets switches of three backends; "highest" is where a process begins.
        torch.set_float32_matmul_precision("highest")
        for switch, precision in zip(_precision_switches(), precisions, strict=True):
            switch.fp32_precision = precision


def _precision_switches() -> list[Any]:
    """What holds torch's switches of float32 arithmetic, the more general before the more special,
    which they overwrite.

    The older ones, ``allow_tf32``, are not looked at: they can't be read where both were used.
    """
    backends: Any = torch.backends  # whose switches its annotations lack
    return [
        backends,
        backends.cudnn,
        backends.mkldnn,
        backends.cuda.matmul,
        backends.cudnn.conv,
        backends.cudnn.rnn,
        backends.mkldnn.matmul,
        backends.mkldnn.conv,
        backends.mkldnn.rnn,
    ]
