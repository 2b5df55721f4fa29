"""What loaders give: batches, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor

Batch = tuple[Tensor, Tensor]
"""Images of (B, C, H, W), float32 on the device, and their labels of (B,), int64; where images are
mixed, the labels' shares of (B, classes), float32.
"""


class EpochLoader(Protocol):
    """Gives the batches of any epoch; its length is the number of batches in each."""

    def __len__(self) -> int: ...

    def epoch(self, epoch: int) -> Iterator[Batch]: ...
