"""All randomness of a training comes from its recipe's seed, and none of it leaks into the process.

Data order and augmentation are drawn from generators made anew for each epoch, batch or image.
They are pure functions of the seed and the position, so nothing of them needs a checkpoint. Only
the model's initialization and dropout use torch's global generators.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from study.training.recipe.recipe import Recipe


def derive_seed(*position: int | str) -> int:
    """Return a seed of 63 bits for a position such as ``(recipe.seed, "order", epoch)``."""
    text = "/".join(map(str, position))
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def make_generator(*position: int | str) -> torch.Generator:
    """Return a fresh CPU generator seeded for a position (see ``derive_seed``)."""
    return torch.Generator().manual_seed(derive_seed(*position))


def random_states(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the states of torch's global generators, of the CPU and, if used, of the GPU."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def restore_random_states(states: dict[str, torch.Tensor], device: torch.device) -> None:
    """Set torch's global generators to what ``random_states`` returned."""
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


@contextmanager
def isolated_torch(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """Set torch's global switches and generators for one training, and restore them afterwards."""
    # The older TF32 switches: torch.compile still reads them, and fails where old and new ones were
    # mixed.
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    switches = (matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic)
    were_deterministic = torch.are_deterministic_algorithms_enabled()
    warned_only = torch.is_deterministic_algorithms_warn_only_enabled()
    dtype = torch.get_default_dtype()

    deterministic = recipe.execution.deterministic
    uses_tf32 = recipe.precision == "tf32"
    if deterministic:
        # cuBLAS repeats itself only with this
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            matmul.allow_tf32 = uses_tf32
            cudnn.allow_tf32 = uses_tf32
            cudnn.benchmark = not deterministic
            cudnn.deterministic = deterministic
            torch.use_deterministic_algorithms(deterministic)
            torch.set_default_dtype(torch.float32)
            yield
        finally:
            matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic = switches
            torch.use_deterministic_algorithms(were_deterministic, warn_only=warned_only)
            torch.set_default_dtype(dtype)
            if recipe.execution.mode == "compile":
                torch.compiler.reset()
