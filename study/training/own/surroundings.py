"""What a training function is given from around it, and the rows that it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from study.training.best import BestBy
from study.training.runtime.team.team import Alone, Team

_ALONE = Alone()

OwnRow = dict[str, float | int | bool | None]
"""An epoch's number, its seconds since the training began, and its metrics; what isn't finite is
None."""


@dataclass(frozen=True)
class Surroundings:
    """Where and as what a training function runs."""

    seed: int
    device: torch.device
    folder: Path
    data_dir: Path | str
    """A folder, or an object store's address."""
    attempt: int = 1
    team: Team = _ALONE
    """Who trains together."""
    objectives: tuple[str, ...] = ()
    """The metrics that each report must name, and whose values must be finite."""
    epochs: int | None = None
    """How many reports there will be, where that is known."""
    best_by: BestBy | None = None
    """By what the best epoch's state is kept as well; None where the last one's counts."""
