"""The import of a training function's module: once in a worker's nursery, for all its children,
where a process can be forked after it.

A module that begins threads or processes, opens files or takes up a GPU as it is imported is
imported anew in each child.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from contextlib import suppress
from typing import NamedTuple

import psutil
import torch

from study.training.own.function import TrainFunction
from study.training.own.run import load_training, seed_generators


class _Holdings(NamedTuple):
    """What of a process a fork would lose, or share with its parent."""

    threads: int
    files: int
    processes: int
    has_gpu: bool


def load_and_look(reference: str) -> tuple[TrainFunction, bool]:
    """Import a training function; return it, and whether its process could be forked as before."""
    before = _holdings()
    seed_generators(0)  # what a module draws as it is imported is the same in each attempt
    function = load_training(reference)
    return function, before is not None and _holdings() == before


def import_for_children(module: str, path: list[str]) -> None:
    """Import a module into a process that will be forked. One that fails is left to the children,
    whose failure is heard of.
    """
    if module in sys.modules:
        return
    sys.path += [folder for folder in path if folder not in sys.path]
    seed_generators(0)
    with suppress(BaseException):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()


def _holdings() -> _Holdings | None:
    """Return what this process holds now; None where the system doesn't tell (Linux does)."""
    try:
        threads, files = (len(os.listdir(f"/proc/self/{kind}")) for kind in ("task", "fd"))
    except OSError:
        return None
    processes = len(psutil.Process().children())
    has_gpu: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return _Holdings(threads, files, processes, has_gpu)
