"""What the first hour on a GPU has found: kept as JSON after each part, shown as a table."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Outcome = Literal["held", "broken", "measured", "not measured"]


@dataclass(frozen=True)
class Result:
    """One part's outcome."""

    part: str
    outcome: Outcome
    found: str
    """In a few words: the figure, what broke, or why nothing was measured."""
    goal: str = ""
    seconds: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)


class Results:
    """The results so far, in the order of what matters."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._results: list[Result] = []

    def add(self, result: Result) -> None:
        """Keep a result, whole or not at all: a run that is cut short has told what it knew."""
        self._results.append(result)
        partial = self._file.with_suffix(".partial")
        partial.write_text(json.dumps([asdict(each) for each in self._results], indent=1) + "\n")
        os.replace(partial, self._file)

    @property
    def is_any_broken(self) -> bool:
        return any(each.outcome == "broken" for each in self._results)

    def table(self) -> str:
        """All parts as aligned text."""
        head = ("part", "outcome", "found", "goal", "seconds")
        rows = [
            (each.part, each.outcome, each.found, each.goal, f"{each.seconds:.0f}")
            for each in self._results
        ]
        widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
        lines = []
        for row in (head, tuple("-" * width for width in widths), *rows):
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)
