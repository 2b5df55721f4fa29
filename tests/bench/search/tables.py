"""The tables of what was measured, in Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from analysis.estimates import Estimate

from .measures import EARLY, SHARES, Spent, pooled_ratio, regret, spent_epochs, spent_time
from .recorded import RecordedSpace, recorded_space
from .rivals import POINTS, TODAY
from .story import Story

_PAGE = Path(__file__).parents[3] / "docs" / "fewer-epochs.md"
_PLACE = re.compile(r"(<!-- measured -->\n).*(<!-- /measured -->)", re.DOTALL)


class Cell(NamedTuple):
    """What one set of repetitions is of."""

    space: str
    workers: int
    rival: str


Stories = Mapping[Cell, list[Story]]
SpentOf = Callable[[RecordedSpace, Sequence[Story], float], Spent]


def tables(stories: Stories) -> str:
    """A table over all spaces, then one for each space and number of workers; a line for each
    rival.
    """
    parts = [
        f"### All spaces together, as shares of what {TODAY} takes\n\n{_pooled_table(stories)}"
    ]
    for space, workers in dict.fromkeys((cell.space, cell.workers) for cell in stories):
        plural = "worker" if workers == 1 else "workers"
        repetitions = max(len(stories[cell]) for cell in stories if cell.space == space)
        heading = f"### {space}, {workers} {plural}: {repetitions} searches of {POINTS} points each"
        parts.append(f"{heading}\n\n{_table(stories, space, workers)}")
    return "\n\n".join(parts) + "\n"


def write_tables(text: str) -> None:
    """Put the tables into the page, in the place of those before."""
    page = _PAGE.read_text()
    _PAGE.write_text(_PLACE.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", page))


def _pooled_table(stories: Stories) -> str:
    """What each rival takes to a good point, as the geometric mean over spaces of its ratios."""
    workers = list(dict.fromkeys(cell.workers for cell in stories))
    what = [f"{what}, {count}" for what in ("epochs", "time") for count in workers]
    head = [f"to the best {SHARES[0]:.0%}, by workers", *what]
    rows = [head, ["---"] + ["---:"] * len(what)]
    for rival in dict.fromkeys(cell.rival for cell in stories):
        ratios = [
            _pooled_ratio(stories, rival, count, spent)
            for spent in (spent_epochs, spent_time)
            for count in workers
        ]
        rows.append([rival, *ratios])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _pooled_ratio(stories: Stories, rival: str, workers: int, spent: SpentOf) -> str:
    cells = [cell for cell in stories if (cell.rival, cell.workers) == (rival, workers)]
    pairs = []
    for cell in cells:
        space, today = recorded_space(cell.space), stories.get(cell._replace(rival=TODAY))
        if today is None:
            return ""
        own = stories[cell]
        pairs.append((spent(space, own, SHARES[0]), spent(space, today, SHARES[0])))
    return _shown(pooled_ratio(pairs), ".2f")


def _table(stories: Stories, space: str, workers: int) -> str:
    good, best = (f"best {share:.0%}" for share in SHARES)
    head = [
        "search",
        f"epochs to the {good}",
        f"of {TODAY}'s",
        f"time to the {good}",
        f"epochs to the {best}",
        f"time to the {best}",
        f"regret after {EARLY} epochs",
        "regret at the end",
        "epochs in all",
    ]
    rows = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for cell in stories:
        if (cell.space, cell.workers) == (space, workers):
            rows.append(_row(stories, cell))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(stories: Stories, cell: Cell) -> list[str]:
    space, own = recorded_space(cell.space), stories[cell]
    good, best = SHARES
    epochs = spent_epochs(space, own, good)
    return [
        cell.rival,
        _shown(epochs.expected()),
        _ratio(epochs, stories.get(cell._replace(rival=TODAY)), cell),
        _shown(spent_time(space, own, good).expected()),
        _shown(spent_epochs(space, own, best).expected()),
        _shown(spent_time(space, own, best).expected()),
        _shown(regret(space, own, EARLY), ".4f"),
        _shown(regret(space, own), ".4f"),
        f"{sum(story.epochs for story in own) / len(own):,.0f}",
    ]


def _ratio(epochs: Spent, today: list[Story] | None, cell: Cell) -> str:
    if today is None:
        return ""
    space = recorded_space(cell.space)
    return _shown(epochs.ratio_to(spent_epochs(space, today, SHARES[0])), ".2f")


def _shown(estimate: Estimate, form: str = ",.0f") -> str:
    """A figure with its interval; infinity is never."""
    value, low, high = (
        "never" if math.isinf(each) else format(each, form)
        for each in (estimate.value, estimate.low, estimate.high)
    )
    return f"{value} [{low}, {high}]"
