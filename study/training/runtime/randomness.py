"""All chance of a training comes from its recipe's seed, and none of it is left behind in the
process.

Data order and augmentation are drawn from generators made for one epoch, batch or image: pure
functions of the seed and the position, so that there is nothing of them to checkpoint. Only dropout
uses torch's global generators.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from study.training.recipe.recipe import Recipe


def seed_of(*position: int | str) -> int:
    """A seed of 63 bits for a named place, such as ``(recipe.seed, "order", epoch)``."""
    digest = hashlib.sha256("/".join(map(str, position)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def stream(*position: int | str) -> torch.Generator:
    """A fresh generator for a named place."""
    return torch.Generator().manual_seed(seed_of(*position))


def random_states(device: torch.device) -> dict[str, torch.Tensor]:
    states = {"cpu": torch.get_rng_state()}
    return states | {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else states


def restore_random_states(states: dict[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


@contextmanager
def alone(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """Set torch's global switches and generators for one training; put back what was there when it
    ends.
    """
    # The older TF32 switches: torch.compile still reads them, and fails where old and new ones were
    # mixed.
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = (matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic)
    algorithms = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    dtype = torch.get_default_dtype()
    deterministic = recipe.execution.deterministic
    if deterministic:
        os.environ.setdefault(
            "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
        )  # cuBLAS repeats itself only with this
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            matmul.allow_tf32 = cudnn.allow_tf32 = recipe.precision == "tf32"
            cudnn.benchmark, cudnn.deterministic = not deterministic, deterministic
            torch.use_deterministic_algorithms(deterministic)
            torch.set_default_dtype(torch.float32)
            yield
        finally:
            matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic = before
            torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
            torch.set_default_dtype(dtype)
            if recipe.execution.mode == "compile":
                torch.compiler.reset()
