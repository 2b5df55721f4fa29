"""The plot of trials on workers: which attempt at a trial held which worker when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.frames import Frames
from analysis.plots.axes import add_legend_below, legend_mark
from analysis.plots.svg import FAINT, SERIES, Plot, as_plot, make_panels
from study.results.attempts import end_of_attempt

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_SPANS = 3000
_HOUR_S = 3600.0
_STATE_COLORS = {
    "COMPLETE": SERIES[0],
    "PRUNED": SERIES[6],
    "FAIL": SERIES[4],
    "RUNNING": SERIES[2],
    "WAITING": FAINT,
}


@dataclass(frozen=True)
class Span:
    """One attempt: its worker's lane, its seconds since 1970, and its trial's state by now."""

    lane: str
    start: float
    end: float
    trial: int
    state: str


def worker_spans(results: Frames) -> list[Span]:
    """Return the last MOST_SPANS attempts by lane, a lane being a place on a machine's device.

    Each attempt is in the first lane of its machine and device that is free when it starts.
    """
    attempts = []
    for study in results.studies:
        for trial in study.history.trials:
            for attempt in trial.attempts:
                attempts.append((attempt, end_of_attempt(study.history, attempt), trial))
    attempts.sort(key=lambda item: item[0].started_at)
    busy_until: dict[tuple[str, str], list[float]] = defaultdict(list)
    spans = []
    for attempt, end, trial in attempts[-_MOST_SPANS:]:
        host = attempt.host or "not placed"
        slot = _take_slot(busy_until[host, attempt.device], attempt.started_at, end)
        lane = f"{host} {attempt.device} {slot}".replace("  ", " ")
        spans.append(Span(lane, attempt.started_at, end, trial.number, trial.state))
    return sorted(spans, key=lambda span: span.lane)


def _take_slot(busy_until: list[float], start: float, end: float) -> int:
    """Return the first slot that is free at ``start``, and mark it busy until ``end``."""
    for slot, until in enumerate(busy_until):
        if until <= start:
            busy_until[slot] = end
            return slot
    busy_until.append(end)
    return len(busy_until) - 1


def timeline_plot(results: Frames) -> Plot | None:
    """Draw each attempt as a bar in its worker's lane, colored by what became of the trial."""
    spans = worker_spans(results)
    if not spans:
        return None
    begin = min(span.start for span in spans)
    duration = max(span.end for span in spans) - begin
    scale, unit = (_HOUR_S, "hours") if duration > 2 * _HOUR_S else (1.0, "seconds")
    lanes = list(dict.fromkeys(span.lane for span in spans))
    figure, (axes,) = make_panels(height_in=max(1.6, 0.26 * len(lanes) + 0.9))
    for state in _STATE_COLORS:
        for row, lane in enumerate(lanes):
            own = [span for span in spans if span.lane == lane and span.state == state]
            _draw_bars(axes, own, row, begin, scale)
    axes.set_yticks(range(len(lanes)), lanes, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel=f"{unit} since the first trial began")
    present = {span.state for span in spans}
    marks = [
        legend_mark(state, color) for state, color in _STATE_COLORS.items() if state in present
    ]
    add_legend_below(figure, marks, columns=5)
    text = (
        f"{len(spans)} attempts at trials on {len(lanes)} workers, colored by what became of the"
        " trial."
    )
    return as_plot(figure, "timeline", "Trials on workers", text)


def _draw_bars(axes: Axes, spans: list[Span], row: int, begin: float, scale: float) -> None:
    """Draw spans of one lane and one state, from ``begin`` on, in units of ``scale`` seconds."""
    if not spans:
        return
    bars = [((span.start - begin) / scale, (span.end - span.start) / scale) for span in spans]
    color = _STATE_COLORS[spans[0].state]
    axes.broken_barh(bars, (row - 0.38, 0.76), facecolors=color, edgecolor="none")
