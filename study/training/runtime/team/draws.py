"""Random numbers for the images of a micro-batch, drawn for all of them by each worker."""

from __future__ import annotations

import torch
from torch import Tensor


class PlacedDraws:
    """Which images of a whole micro-batch the model is being shown."""

    def __init__(self) -> None:
        self._count = 0
        self._share = range(0)

    def enter(self, first: int, count: int, share: range) -> None:
        """Note that a micro-batch of ``count`` images comes, which begins at the place ``first`` of
        its batch; ``share`` are the places in the batch of those that the model will see.
        """
        self._count = count
        self._share = range(share.start - first, share.stop - first)

    def kept(self, images: Tensor, share_left_out: float, shape: tuple[int, ...]) -> Tensor:
        """Draw 0 or 1 for the whole micro-batch, each image having ``shape``; return those of the
        images that are here, divided by the probability of 1.
        """
        is_last = images.ndim == 4 and images.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if is_last and len(shape) == 3 else torch.contiguous_format
        drawn = torch.empty(
            (self._count, *shape), dtype=images.dtype, device=images.device, memory_format=layout
        )
        drawn.bernoulli_(1 - share_left_out)
        if share_left_out < 1:
            drawn.div_(1 - share_left_out)
        return drawn[self._share.start : self._share.stop]
