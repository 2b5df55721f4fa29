"""Numbers drawn for images that the host must know, too: it chooses by them what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class DrawnOnHost:
    """What was drawn for some images: the first axis of both are the images.

    Asking a GPU what lies on it would make each step wait, so the host keeps its own.
    """

    here: Tensor
    """Stays on the host."""
    there: Tensor
    """Goes to the images' device."""

    def __getitem__(self, part: slice | Tensor) -> DrawnOnHost:
        return DrawnOnHost(self.here[part], self.there[part])

    def __len__(self) -> int:
        return len(self.here)

    def to(self, device: torch.device) -> DrawnOnHost:
        """Return it with the numbers of the device there."""
        return DrawnOnHost(self.here, self.there.to(device))


Drawn = Tensor | DrawnOnHost
"""What was drawn for one step of an augmentation; its first axis are the images."""


def joined(parts: Sequence[Drawn]) -> Drawn:
    """Return what was drawn for several batches as one."""
    tensors = [part for part in parts if isinstance(part, Tensor)]
    if tensors:
        return torch.cat(tensors)
    pairs = [part for part in parts if isinstance(part, DrawnOnHost)]
    return DrawnOnHost(
        torch.cat([pair.here for pair in pairs]), torch.cat([pair.there for pair in pairs])
    )
