"""Where each tensor lies on the pretended GPU, and what has crossed between it and the host."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

PACKAGE = "/study/training/"


class Place(Enum):
    """Where a storage lies."""

    HOST = "cpu"
    PINNED = "cpu, pinned"
    GPU = "cuda:0"


@dataclass(frozen=True)
class Crossing:
    """A kind of traffic between host and GPU, and the line of the package that asked for it."""

    what: str
    line: str


@dataclass
class Traffic:
    """What there was up to a moment."""

    crossings: Counter[Crossing] = field(default_factory=Counter)
    calls: int = 0
    """Operations, on whichever device."""
    bytes_moved: int = 0

    def copy(self) -> Traffic:
        return Traffic(Counter(self.crossings), self.calls, self.bytes_moved)

    def since(self, earlier: Traffic) -> Traffic:
        return Traffic(
            self.crossings - earlier.crossings,
            self.calls - earlier.calls,
            self.bytes_moved - earlier.bytes_moved,
        )

    def waits(self) -> dict[Crossing, int]:
        """What the host can't run ahead of."""
        return {each: n for each, n in self.crossings.items() if "ahead" not in each.what}


class Ledger:
    """Knows the place of every storage that isn't simply on the host.

    Views share their tensor's storage, and so its place. A weak reference keeps the address of a
    storage that is gone from being taken for it.
    """

    def __init__(self) -> None:
        self._entries: dict[int, tuple[StorageWeakRef, Place]] = {}
        self._sweep_at = 10_000
        self.traffic = Traffic()

    def place(self, tensor: Tensor) -> Place:
        entry = self._entries.get(_key(tensor))
        return entry[1] if entry else Place.HOST

    def put(self, tensor: Tensor, place: Place) -> Tensor:
        self._entries[_key(tensor)] = (StorageWeakRef(tensor.untyped_storage()), place)
        if len(self._entries) > self._sweep_at:
            live = {key: kept for key, kept in self._entries.items() if not kept[0].expired()}
            self._entries = live
            self._sweep_at = 2 * len(live) + 10_000
        return tensor

    def is_on_gpu(self, tensor: Tensor) -> bool:
        return self.place(tensor) is Place.GPU

    def copied(
        self, source: Tensor, source_place: Place, target: Place, non_blocking: bool
    ) -> None:
        """Note a copy; one that crosses and whose host side isn't pinned waits in any case."""
        if (source_place is Place.GPU) == (target is Place.GPU):
            return
        self.traffic.bytes_moved += source.numel() * source.element_size()
        way = "out of" if source_place is Place.GPU else "into"
        is_ahead = non_blocking and Place.PINNED in (source_place, target)
        self.note(f"copy {way} the GPU{', ahead' if is_ahead else ''}")

    def note(self, what: str) -> None:
        self.traffic.crossings[Crossing(what, _line())] += 1


def _key(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _line() -> str:
    """The innermost line of the package that is being run."""
    for frame in reversed(traceback.extract_stack()):
        _, found, rest = frame.filename.partition(PACKAGE)
        if found:
            return f"{rest}:{frame.lineno}"
    return "elsewhere"


def is_gpu(device: object) -> bool:
    return device is not None and torch.device(device).type == "cuda"  # type: ignore[call-overload,no-any-return]
