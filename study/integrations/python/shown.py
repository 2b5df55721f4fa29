"""What Python users look at: a study that was run, and how far one is."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from analysis.rendering.forms import notebook_text
from study.execution.run import RunResult
from study.files.visible_text import visible
from study.inspection.status import status_text

if TYPE_CHECKING:
    from analysis.best import BestPoint
    from analysis.results import Results

_SHOWN_POINTS = 10


@dataclass(frozen=True, repr=False)
class StudyRun(RunResult):
    """A study as a run left it: its results and its best point."""

    @cached_property
    def results(self) -> Results:
        """Its points, trials and epochs as data frames, and the tables made of them."""
        from analysis.results import load

        return load(self.paths)

    @property
    def best(self) -> BestPoint:
        """Its best point; LookupError where none is complete."""
        return self.results.best()

    def __repr__(self) -> str:
        try:
            best = str(self.best)
        except LookupError:
            best = "no point is complete: results.table('failures') says why"
        return f"{self._end_text()}\n{best}"

    def _repr_html_(self) -> str:
        if not any(point.value is not None for point in self.history.points):
            return notebook_text(repr(self))
        leaderboard = self.results.leaderboard(_SHOWN_POINTS)
        end = html.escape(self._end_text())
        return f"<p>{end}</p>{self.best._repr_html_()}{leaderboard._repr_html_()}"

    def _end_text(self) -> str:
        """Say how the run ended, and what became of the points."""
        states = Counter(
            "dropped" if point.is_dropped else point.state for point in self.history.points
        )
        counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        name = self.paths.name
        if self.reason == "complete":
            return visible(f"study {name} is complete: {counts}")
        text = f"study {name} is over ({self.reason}): {counts}"
        if self.exit_code == 0:
            return visible(text)
        return visible(f"{text}; go on with: study.resume({name!r})")


class StudyStatuses(list["StudyStatus"]):
    """How far the studies of a storage are."""

    def __repr__(self) -> str:
        return "\n\n".join(map(repr, self)) or "no studies"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return notebook_text(repr(self))


class StudyStatus(dict[str, Any]):
    """How far a study is, as data; it shows itself as text."""

    def __repr__(self) -> str:
        return visible(status_text(self))

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return notebook_text(repr(self))
