"""Which part of the work is a worker's: contiguous shares that differ by one at most."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Place:
    """A worker's place among those that train together."""

    rank: int = 0
    workers: int = 1

    @property
    def is_first(self) -> bool:
        """Whether it is the one that reports and saves."""
        return self.rank == 0

    def share_of(self, count: int) -> range:
        """Return which of ``count`` things are this worker's."""
        return range(
            count * self.rank // self.workers,
            count * (self.rank + 1) // self.workers,
        )

    def shares_of_batch(self, count: int, micro_batch_size: int) -> list[range]:
        """Return which of a batch's ``count`` images are this worker's: of each micro-batch its
        share, by their places in the batch.
        """
        shares = []
        for begin in range(0, count, micro_batch_size):
            share = self.share_of(min(micro_batch_size, count - begin))
            shares.append(range(begin + share.start, begin + share.stop))
        return shares

    def positions_in_batch(self, count: int, micro_batch_size: int) -> Tensor:
        """Return the places in a batch of all its images that are this worker's: (n,)."""
        shares = self.shares_of_batch(count, micro_batch_size)
        return torch.cat([torch.arange(share.start, share.stop) for share in shares])


ALONE = Place()
"""The place of who trains without others."""
