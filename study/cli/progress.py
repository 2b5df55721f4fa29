"""What a person sees while a study runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from study.execution.run import ProgressDisplay
from study.files.visible_text import visible
from study.inspection.format import count_text
from study.journal.history import History
from study.journal.outcomes import search_trials
from study.journal.ranking import best_point, fresh_value
from study.journal.trials import ENDED_STATES, Point, Trial

if TYPE_CHECKING:
    from study.controller.controller import Controller
    from study.spec.spec import StudySpec

_REFRESH_S = 0.25
_SHOWN_TRIALS = 12


def display_on(console: Console) -> ProgressDisplay:
    """Return the display that suits the console."""
    return LiveDisplay(console) if console.is_terminal else _PlainLines(console)


class _PlainLines(ProgressDisplay):
    """Prints one line for each point that ends, and for what has to be said."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[int] = set()
        """The points that have been shown, or had ended before."""
        self._endings_seen = 0
        self._last_message = ""

    def begin(self, spec: StudySpec, controller: Controller) -> None:
        self._spec = spec
        self._history = controller.history
        self._shown = {
            point.number for point in self._history.points if point.state in ENDED_STATES
        }
        done = f", {len(self._shown)} of them done" if self._shown else ""
        for note in spec.notes:
            self.say(note)
        self.say(f"study {spec.study}: {count_text(spec.points, 'point')}{done}")

    def tick(self) -> None:
        endings = self._history.point_endings
        new, self._endings_seen = endings[self._endings_seen :], len(endings)
        for number in new:
            point = self._history.points[number]
            if point.state in ENDED_STATES and number not in self._shown:
                self._shown.add(number)
                count = f"[{len(self._shown)}/{_expected_points(self._history, self._spec)}]"
                self.say(f"{count} {_point_line(point, self._spec)}")

    def say(self, message: str) -> None:
        """Print a line, unless it was the last one too: what is waited for is said often."""
        if message != self._last_message:
            self._last_message = message
            print(visible(message), file=self._console.file, flush=True)

    def end(self) -> None:
        self.tick()


class LiveDisplay(ProgressDisplay):
    """Shows the points done, the running trials, the best point so far and the time left."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last_refresh = 0.0
        self._live: Live | None = None

    def begin(self, spec: StudySpec, controller: Controller) -> None:
        self._spec = spec
        self._controller = controller
        self._history = controller.history
        for note in spec.notes:
            self.say(note)
        self._began = time.monotonic()
        self._epochs_before = _count_epochs(self._history)
        self._live = Live(
            self._picture(), console=self._console, auto_refresh=False, transient=True
        )
        self._live.start()

    def tick(self) -> None:
        if self._live and time.monotonic() - self._last_refresh > _REFRESH_S:
            self._last_refresh = time.monotonic()
            self._live.update(self._picture(), refresh=True)

    def say(self, message: str) -> None:
        self._console.print(visible(message), highlight=False, markup=False)

    def end(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def _picture(self) -> Group:
        """Draw the whole display."""
        heading = Text.assemble(
            (self._spec.study, "bold"),
            f"  {visible(self._spec.question)}",
            overflow="ellipsis",
            no_wrap=True,
        )
        best = best_point(self._history.points, self._spec, whole_seeds=self._history.whole_seeds)
        best_text = (
            f"best so far: {best_line(best, self._spec)}" if best else "no finished point yet"
        )
        stopping = "stopping …" if self._controller.stopping else ""
        return Group(
            heading,
            self._points_bar(),
            self._running_table(),
            Text(best_text, style="green"),
            Text(stopping, style="yellow"),
        )

    def _points_bar(self) -> Progress:
        done = [point for point in self._history.points if point.state in ENDED_STATES]
        bar = Progress(
            TextColumn("points"),
            BarColumn(bar_width=40),
            TextColumn("{task.completed}/{task.total}  {task.fields[note]}"),
            console=self._console,
        )
        expected = _expected_points(self._history, self._spec)
        bar.add_task("", total=expected, completed=len(done), note=self._note(done))
        return bar

    def _note(self, done: list[Point]) -> str:
        """Say how much has been trained, and about how much time is left."""
        epochs = _count_epochs(self._history)
        pruned = sum(point.state == "PRUNED" for point in done)
        failed = sum(point.state == "FAIL" for point in done)
        text = f"{epochs} epochs, {pruned} pruned"
        if failed:
            text += f", {failed} failed"
        trained = epochs - self._epochs_before
        if trained < 2 or not done:
            return text
        return f"{text}, about {_duration_text(self._seconds_left(done, epochs, trained))} left"

    def _seconds_left(self, done: list[Point], epochs: int, trained: int) -> float:
        """Estimate the time left from the pace of this run and the length of points so far."""
        epochs_done = sum(trial.epochs for point in done for trial in point.trials.values())
        epochs_of_point = epochs_done / len(done)
        expected = _expected_points(self._history, self._spec) * epochs_of_point
        seconds_of_epoch = (time.monotonic() - self._began) / trained
        return max(0.0, expected - epochs) * seconds_of_epoch

    def _running_table(self) -> Table:
        metric = self._spec.objectives[0].metric
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        for column in ("trial", "epoch", metric):
            table.add_column(column, no_wrap=True, min_width=len(column))
        # the values have what room the others leave
        table.add_column("values", no_wrap=True, overflow="ellipsis", ratio=1)
        running = [trial for trial in self._history.trials if trial.is_in_flight]
        for trial in running[:_SHOWN_TRIALS]:
            values = _values_text(self._history.points[trial.point])
            figure = _figure_text(_last_figure(trial, metric))
            table.add_row(str(trial.number), str(trial.epochs), figure, values)
        return table


def _count_epochs(history: History) -> int:
    return sum(trial.epochs for trial in history.trials)


def _expected_points(history: History, spec: StudySpec) -> int:
    """Count the points that there will be: those of the study file, and what a user added."""
    return spec.points + history.user_points


def best_line(point: Point, spec: StudySpec) -> str:
    """Return a point's line, with what its fresh seeds say where it was confirmed."""
    line = _point_line(point, spec)
    fresh = fresh_value(point, spec)
    return line if fresh is None else f"{_figure_text(fresh)} on fresh seeds, {line}"


def _point_line(point: Point, spec: StudySpec) -> str:
    """``point 3  COMPLETE  val_accuracy 0.9731  optimizer.name=sgd …``."""
    if point.state == "COMPLETE":
        outcome = _complete_text(point, spec)
    elif point.state == "PRUNED":
        outcome = _pruned_text(point, spec)
    else:
        outcome = _failure_text(point)
    return visible(f"point {point.number}  {point.state}  {outcome}  {_values_text(point)}")


def _complete_text(point: Point, spec: StudySpec) -> str:
    text = f"{spec.objectives[0].metric} {_figure_text(point.first_value)}"
    if len(point.seeds) < spec.replicates:
        text += f" on {len(point.seeds)} of {spec.replicates} seeds"
    return text


def _pruned_text(point: Point, spec: StudySpec) -> str:
    pruned = [trial for trial in search_trials(point) if trial.state == "PRUNED"]
    trial = pruned[0] if pruned else point.trials[0]
    metric = spec.objectives[0].metric
    figure = _figure_text(_last_figure(trial, metric))
    return f"stopped at epoch {trial.epochs} with {metric} {figure}"


def _failure_text(point: Point) -> str:
    for trial in point.trials.values():
        if trial.failure:
            return f"{trial.failure.failure_class}: {trial.failure.message}"
    return "error: "


def _last_figure(trial: Trial, metric: str) -> Any:
    return trial.rows[-1].get(metric) if trial.rows else None


def _values_text(point: Point) -> str:
    pairs = (f"{path}={_figure_text(value)}" for path, value in point.values.items())
    return visible(" ".join(pairs))


def _figure_text(value: Any) -> str:
    """Return a value in four significant digits."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _duration_text(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
