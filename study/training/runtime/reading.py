"""How images are to be read: by how many threads, how thoroughly, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from study.training.runtime.progress import TrainingProgress


def _tell_nobody(done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Reading:
    """Without anything said, one thread reads and nobody is told."""

    threads: int = 1
    is_thorough: bool = False
    """Look at each file again, whether it is the one of the index."""
    note: Callable[[int, int], None] = _tell_nobody
    """Told how many images of how many are read; called at least each second or so, and with
    (0, 0) while another process reads them.
    """
    run: str = ""
    """Names the run of a study, whose trials share what a factory of the user's own returns, and
    whether what lies on a store has been found current; empty: both are asked anew.
    """

    def wait(self) -> None:
        """Tell that another process reads."""
        self.note(0, 0)


def reading_for(
    progress: TrainingProgress, heartbeat: Callable[[], None], run: str = ""
) -> Reading:
    """Begin the stage in which a training reads its images, on all CPUs that it has."""
    progress.enter("reading data")

    def note(done: int, total: int) -> None:
        heartbeat()
        progress.count(done, total)

    return Reading(threads=torch.get_num_threads(), run=run, note=note)
