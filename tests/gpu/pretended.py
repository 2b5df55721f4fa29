"""A GPU for the length of a block, on a machine without one.

Not pretended: kernels and the types that CUDA's own autocast chooses (the CPU's are taken), memory,
streams, torch.compile, and other threads and processes, which see the CPU.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
import torch._dynamo  # what optimizers load with their first step, before there are modes
from torch.utils import _foreach_utils

from study.training.runtime.torchvision import torchvision

from .ledger import Ledger
from .modes import GPU, Kernels, Surface

assert torchvision  # loaded before there are modes
GIB = 2**30


class Memory:
    """The GPU's memory, as far as anyone asks."""

    def __init__(self, total_gib: float = 140, free_gib: float = 139) -> None:
        self.total = int(total_gib * GIB)
        self.free = int(free_gib * GIB)
        self.fraction = 1.0

    def limit_to(self, fraction: float, device: Any = None) -> None:
        self.fraction = fraction


class Event:
    """A moment of the GPU's work, all of which is always done."""

    def record(self, stream: Any = None) -> None:
        pass

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        pass


@contextmanager
def pretended_gpu(memory: Memory | None = None) -> Iterator[Ledger]:
    """Let torch have a GPU; gives the ledger of what goes on there."""
    ledger = Ledger()
    kernels = Kernels(ledger)
    with ExitStack() as stack:
        for owner, name, stand_in in _stand_ins(ledger, memory or Memory()):
            stack.enter_context(patch.object(owner, name, stand_in))
        stack.enter_context(kernels)
        stack.enter_context(Surface(ledger, kernels))
        yield ledger


def _stand_ins(ledger: Ledger, memory: Memory) -> Iterator[tuple[Any, str, Any]]:
    """What is replaced: owner, attribute, stand-in."""
    properties = SimpleNamespace(
        name="a pretended GPU", total_memory=memory.total, uuid="0" * 32, major=9, minor=0
    )
    cuda = {
        "_lazy_init": lambda: None,
        "init": lambda: None,
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "device": lambda device: nullcontext(),
        "get_device_name": lambda device=None: properties.name,
        "get_device_properties": lambda device=None: properties,
        "synchronize": lambda device=None: None,
        "empty_cache": lambda: None,
        "mem_get_info": lambda device=None: (memory.free, memory.total),
        "memory_allocated": lambda device=None: 0,
        "memory_reserved": lambda device=None: 0,
        "max_memory_allocated": lambda device=None: GIB,
        "reset_peak_memory_stats": lambda device=None: None,
        "get_per_process_memory_fraction": lambda device=None: memory.fraction,
        "set_per_process_memory_fraction": memory.limit_to,
        "Event": Event,
        "get_rng_state": lambda device=None: torch.zeros(16, dtype=torch.uint8),
        "set_rng_state": lambda state, device=None: None,
    }
    yield from ((torch.cuda, name, stand_in) for name, stand_in in cuda.items())
    accelerator = {
        "is_available": lambda: True,
        "current_accelerator": lambda check_available=False: torch.device("cuda"),
        "current_device_index": lambda: 0,
        "current_stream": lambda device=None: SimpleNamespace(is_capturing=lambda: False),
    }
    yield from ((torch.accelerator, name, stand_in) for name, stand_in in accelerator.items())
    yield torch, "autocast", _CpuAutocast
    group = _foreach_utils._group_tensors_by_device_and_dtype
    for module in list(sys.modules.values()):
        if getattr(module, "_group_tensors_by_device_and_dtype", None) is group:
            yield module, "_group_tensors_by_device_and_dtype", _by_pretended_device(ledger, group)


class _CpuAutocast(torch.autocast):
    """Casts as the CPU does: that is where the operations really run."""

    def __init__(self, device_type: str, **options: Any) -> None:
        super().__init__("cpu" if device_type == "cuda" else device_type, **options)


def _by_pretended_device(ledger: Ledger, group: Any) -> Any:
    """Group tensors as optimizers do, under the devices that they are pretended to be on."""

    def grouped(lists: Any, with_indices: bool = False) -> dict[Any, Any]:
        found = {}
        for (device, dtype), entry in group(lists, with_indices).items():
            first = next((each for each in entry[0][0] if each is not None), None)
            is_there = first is not None and ledger.is_on_gpu(first)
            found[GPU if is_there else device, dtype] = entry
        return found

    return grouped
