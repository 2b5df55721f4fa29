"""The live display of a study on a terminal: bars, the running trials, the best point so far."""

from __future__ import annotations

import threading
import time
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.cli.point_lines import figure_text, last_figure, values_text
from study.execution.live_progress import LiveProgress
from study.execution.run import ProgressDisplay
from study.files.visible_text import visible
from study.inspection.requirements import count_confirmation_trials
from study.inspection.time_left import TimeLeft, elapsed_text, epochs_of_trial, time_left_text
from study.journal.history import History
from study.journal.outcomes import trial_value
from study.journal.ranking import best_point, fresh_value
from study.journal.trials import Point, Trial
from study.training.runtime.progress import TRAINING

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_REFRESH_S = 0.25
_MOST_DRAWING = 0.05
"""At most this share of the time goes into drawing, however large the study is."""
_LONGEST_PAUSE_S = 2.0
_SHOWN_TRIALS = 12
_BAR_WIDTH = 30
_TRIAL_BAR_WIDTH = 12
_LONG_EPOCH_S = 3.0
"""Of an epoch or a stage that has lasted longer than this, it is shown how far it is."""


class Running(Protocol):
    """A study that is being driven: by this process's controller, or as it is read elsewhere."""

    @property
    def spec(self) -> StudySpec:
        """What the study runs by now: it may be extended."""
        ...

    @property
    def history(self) -> History: ...

    @property
    def stopping(self) -> str:
        """Why no further trial starts; empty while the study goes on."""
        ...


class LiveDisplay(ProgressDisplay):
    """Shows points and trials done, the running trials, the best point so far and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next_refresh = 0.0
        self._live: Live | None = None

    def begin(self, spec: StudySpec, controller: Running, live: LiveProgress) -> None:
        self.follow(controller, live)
        for note in spec.notes:
            self.say(note)
        self._live = Live(self.picture(), console=self._console, auto_refresh=False, transient=True)
        self._live.start()

    def follow(self, running: Running, live: LiveProgress) -> None:
        """Take the study whose pictures are drawn, without showing any yet."""
        self._controller = running
        self._progress = live
        self._time_left = TimeLeft()
        self._intervals = _Intervals()

    def show(self, running: Running, live: LiveProgress) -> None:
        """Take a newer reading of the study."""
        self._controller, self._progress = running, live

    def tick(self) -> None:
        now = time.monotonic()
        if self._live and now > self._next_refresh:
            self._live.update(self.picture(), refresh=True)
            drawing_s = time.monotonic() - now
            pause_s = min(drawing_s / _MOST_DRAWING, _LONGEST_PAUSE_S)
            self._next_refresh = time.monotonic() + max(_REFRESH_S, pause_s)

    def doing(self, what: str) -> None:
        if self._live is None and what:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        if self._live is not None and what:
            self._live.update(Text(visible(what)), refresh=True)
        if not what:
            self.end()

    def say(self, message: str) -> None:
        self._console.print(visible(message), highlight=False, markup=False)

    def end(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    # -- the picture -------------------------------------------------------------------

    @property
    def _spec(self) -> StudySpec:
        return self._controller.spec

    @property
    def _history(self) -> History:
        return self._controller.history

    def picture(self) -> Group:
        """Draw the whole display."""
        heading = Text.assemble(
            (self._spec.study, "bold"),
            f"  {visible(self._spec.question)}",
            overflow="ellipsis",
            no_wrap=True,
        )
        parts: list[RenderableType] = [
            heading,
            self._bars(),
            Text(self._counts_text(), style="dim"),
        ]
        running = [trial for trial in self._history.trials if trial.is_in_flight]
        if running:
            parts.append(self._running_table(running))
        waiting = self._waiting_text(running)
        if waiting:
            parts.append(Text(waiting, style="yellow"))
        parts.append(Text(self._best_text(), style="green"))
        return Group(*parts)

    def _bars(self) -> Table:
        """Draw a bar of the points, and of the trials that confirm."""
        history, spec = self._history, self._spec
        grid = Table.grid(padding=(0, 2))
        ended = sum(point.has_ended for point in history.points)
        added = f"  {history.user_points} of them added" if history.user_points else ""
        expected = spec.points + history.user_points
        _add_bar(grid, "points", ended, expected, added)
        confirmations = count_confirmation_trials(spec)
        if confirmations:
            fresh = [trial for trial in history.trials if trial.kind == "confirm"]
            done = sum(trial.has_ended for trial in fresh)
            _add_bar(grid, "to confirm", done, max(confirmations, len(fresh)), "  trials")
        return grid

    def _counts_text(self) -> str:
        """Say how much has been trained, for how long, and about how much time is left."""
        history, now = self._history, time.time()
        parts = []
        if history.sessions:
            parts.append(f"{elapsed_text(now - history.sessions[-1].opened_at)} elapsed")
        left = self._time_left.seconds(self._spec, history, now)
        if left is not None and not self._controller.stopping:
            parts.append(f"{time_left_text(left)} left")
        parts.append(f"{sum(trial.epochs for trial in history.trials):,} epochs")
        waiting = sum(trial.waits for trial in history.trials)
        if waiting:
            parts.append(f"{waiting} waiting")
        for state, word in (("PRUNED", "pruned"), ("FAIL", "failed")):
            count = sum(point.state == state for point in history.points)
            if count:
                parts.append(f"{count} {word}")
        return ", ".join(parts)

    def _waiting_text(self, running: list[Trial]) -> str:
        """Say what the study as a whole waits for; empty where trials run."""
        if self._controller.stopping == "interrupted":
            return "interrupted: closing the study, so that it can be resumed …"
        if self._controller.stopping:
            return "stopping …"
        if self._progress.waiting_for:
            return f"waiting for {self._progress.waiting_for} …"
        if len(running) > _SHOWN_TRIALS:
            return f"and {len(running) - _SHOWN_TRIALS} trials more"
        return "" if running else "waiting for the next trial to start …"

    # -- running trials ----------------------------------------------------------------

    def _running_table(self, running: list[Trial]) -> Table:
        metric = self._spec.objectives[0].metric
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        for column in ("trial", "epoch", "", metric):
            table.add_column(column, no_wrap=True, min_width=len(column))
        # the values have what room the others leave
        table.add_column("values", no_wrap=True, overflow="ellipsis", ratio=1)
        for trial in running[:_SHOWN_TRIALS]:
            self._add_trial(table, trial, metric)
        return table

    def _add_trial(self, table: Table, trial: Trial, metric: str) -> None:
        point = self._history.points[trial.point]
        length = epochs_of_trial(self._spec, point)
        mark = self._progress.mark_of(trial.number)
        done = float(trial.epochs)
        if mark.epoch == trial.epochs + 1 and mark.steps:
            done += min(1.0, mark.step / mark.steps)
        bar = ProgressBar(total=length, completed=done, width=_TRIAL_BAR_WIDTH) if length else ""
        epoch = f"{trial.epochs}/{length}" if length else str(trial.epochs)
        values = Text(values_text(point.values, self._spec))
        doing = self._doing_text(trial)
        if doing:
            values = Text.assemble((doing, "cyan"), "  ", values)
        figure = figure_text(last_figure(trial, metric))
        table.add_row(str(trial.number), epoch, bar, figure, values)

    def _doing_text(self, trial: Trial) -> str:
        """Say what a trial is at where that takes longer than a moment; empty elsewhere."""
        mark = self._progress.mark_of(trial.number)
        if not trial.attempt.host:
            return "waiting for a worker"
        if not mark.stage:
            return "starting" if not trial.rows else ""
        is_training = mark.stage == TRAINING
        if mark.seconds < _LONG_EPOCH_S and (trial.rows or is_training):
            return ""
        if not is_training:
            return visible(mark.stage)
        text = f"step {mark.step:,}/{mark.steps:,}" if mark.steps else f"step {mark.step:,}"
        return f"{text}, {mark.images_per_second:,.0f} images/s" if mark.step else text

    # -- the best point ----------------------------------------------------------------

    def _best_text(self) -> str:
        spec = self._spec
        best = best_point(self._history.points, spec, whole_seeds=self._history.whole_seeds)
        if best is None:
            return "no finished point yet"
        value = self._intervals.of_point(best, spec)
        fresh = fresh_value(best, spec)
        shown = f"{spec.objectives[0].metric} {value}"
        if fresh is not None:
            shown = f"{shown} in the search, {figure_text(fresh)} on fresh seeds"
        values = values_text(best.values, spec)
        return visible(f"best so far: point {best.number}  {shown}  {values}")


def _add_bar(grid: Table, name: str, done: int, total: int, note: str) -> None:
    bar = ProgressBar(total=max(total, 1), completed=done, width=_BAR_WIDTH)
    grid.add_row(name, bar, f"{done}/{total}{note}")


class _Intervals:
    """Values of points with their intervals over seeds, remembered for the point shown last.

    The statistics take a moment to load. They do so beside the study, and until they are there a
    value stands without its interval.
    """

    def __init__(self) -> None:
        self._loading: threading.Thread | None = None
        self._shown: tuple[int, float, str] | None = None

    def of_point(self, point: Point, spec: StudySpec) -> str:
        """``0.9942 [0.9842, 1.0000]``."""
        if self._shown and self._shown[:2] == (point.number, point.first_value):
            return self._shown[2]
        text = figure_text(point.first_value)
        if len(point.seeds) < 2:
            return text
        if self._loading is None:
            self._loading = threading.Thread(target=_load_statistics, daemon=True)
            self._loading.start()
        if self._loading.is_alive():
            return text
        self._shown = (point.number, point.first_value, _interval_text(point, spec))
        return self._shown[2]


def _interval_text(point: Point, spec: StudySpec) -> str:
    from analysis.rendering import cell_text
    from analysis.selection.figures import metric_header, metric_mean

    objective = spec.objectives[0]
    values = [trial_value(point.trials[seed], objective) for seed in point.seeds]
    cell = metric_mean(values, objective.metric)
    return cell_text(cell, metric_header(objective.metric))


def _load_statistics() -> None:
    for module in ("scipy.stats", "analysis.rendering", "analysis.selection.figures"):
        import_module(module)
