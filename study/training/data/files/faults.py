"""Faults of the user's own files, at the keys of the recipe's data section that they speak of."""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.validation import Fault
from study.files.visible_text import visible
from study.training.runtime.failures import TrainingFailure

_SHOWN = 20


class FaultyData(TrainingFailure):
    """The files are no data set, of class ``data``; ``faults`` has the paths below ``data``."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("data", "; ".join(f"data.{fault}" for fault in faults), {})
        self.faults = tuple(faults)


def broken_faults(broken: Sequence[tuple[str, str]]) -> list[Fault]:
    """Return a fault that names the first files that can't be decoded, each with the reason."""
    named = "; ".join(visible(": ".join(each)) for each in broken[:_SHOWN])
    more = f"; and {len(broken) - _SHOWN:,} more" if len(broken) > _SHOWN else ""
    found = f"{len(broken):,} that can't be: {named}{more}"
    accepted = "skip_broken: true to leave them out"
    return [Fault(("path",), "must hold images that can be decoded", found, accepted)]
