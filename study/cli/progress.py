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
    """The display that suits the console."""
    return LiveDisplay(console) if console.is_terminal else _PlainLines(console)


class _PlainLines(ProgressDisplay):
    """One line for each point that ends, and for what has to be said."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._told: set[int] = set()
        self._seen = 0
        self._waiting = ""

    def begin(self, spec: StudySpec, controller: Controller) -> None:
        self.spec, self.controller = spec, controller
        self._told = {
            point.number for point in controller.history.points if point.state in ENDED_STATES
        }
        done = f", {len(self._told)} of them done" if self._told else ""
        for note in spec.notes:
            self.say(note)
        self.say(f"study {spec.study}: {count_text(spec.points, 'point')}{done}")

    def tick(self) -> None:
        history = self.controller.history
        told, self._seen = history.point_endings[self._seen :], len(history.point_endings)
        for point in (history.points[number] for number in told):
            if point.state in ENDED_STATES and point.number not in self._told:
                self._told.add(point.number)
                self.say(
                    f"[{len(self._told)}/{_expected(history, self.spec)}]"
                    f" {_point_line(point, self.spec)}"
                )

    def say(self, message: str) -> None:
        if message != self._waiting:
            self._waiting = message
            print(message, file=self.console.file, flush=True)

    def end(self) -> None:
        self.tick()


class LiveDisplay(ProgressDisplay):
    """Progress over points and epochs, the running trials, the best point so far, the time left."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._drawn = 0.0
        self._live: Live | None = None

    def begin(self, spec: StudySpec, controller: Controller) -> None:
        self.spec, self.controller = spec, controller
        for note in spec.notes:
            self.say(note)
        self._began = time.monotonic()
        self._epochs_before = _epochs_done(controller.history)
        self._longest = spec.recipe({}, 0).epochs if spec.first or spec.points else 1
        self._live = Live(self._picture(), console=self.console, auto_refresh=False, transient=True)
        self._live.start()

    def tick(self) -> None:
        if self._live and time.monotonic() - self._drawn > _REFRESH_S:
            self._drawn = time.monotonic()
            self._live.update(self._picture(), refresh=True)

    def say(self, message: str) -> None:
        self.console.print(message, highlight=False, markup=False)

    def end(self) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def _picture(self) -> Group:
        history = self.controller.history
        done = [point for point in history.points if point.state in ENDED_STATES]
        running = [trial for trial in history.trials if trial.is_in_flight]
        head = Text.assemble(
            (self.spec.study, "bold"), f"  {self.spec.question}", overflow="ellipsis", no_wrap=True
        )
        bar = Progress(
            TextColumn("points"),
            BarColumn(bar_width=40),
            TextColumn("{task.completed}/{task.total}  {task.fields[note]}"),
            console=self.console,
        )
        bar.add_task(
            "",
            total=_expected(history, self.spec),
            completed=len(done),
            note=self._note(history, done),
        )
        best = best_point(history.points, self.spec, whole_seeds=history.whole_seeds)
        tail = Text(
            f"best so far: {best_line(best, self.spec)}" if best else "no finished point yet",
            style="green",
        )
        stopping = Text("stopping …" if self.controller.stopping else "", style="yellow")
        return Group(head, bar, self._table(running), tail, stopping)

    def _note(self, history: History, done: list[Point]) -> str:
        epochs = _epochs_done(history)
        trained = epochs - self._epochs_before
        elapsed = time.monotonic() - self._began
        text = f"{epochs} epochs, {sum(p.state == 'PRUNED' for p in done)} pruned"
        failed = sum(point.state == "FAIL" for point in done)
        text += f", {failed} failed" if failed else ""
        if trained < 2 or not done:
            return text
        mean_epochs = sum(t.epochs for p in done for t in p.trials.values()) / len(done)
        left = max(0.0, _expected(history, self.spec) * mean_epochs - epochs) * elapsed / trained
        return f"{text}, about {_duration(left)} left"

    def _table(self, running: list[Trial]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
        for column in ("trial", "epoch", self.spec.objectives[0].metric):
            table.add_column(column, no_wrap=True, min_width=len(column))
        table.add_column(
            "values", no_wrap=True, overflow="ellipsis", ratio=1
        )  # what room the others leave
        for trial in running[:_SHOWN_TRIALS]:
            row = trial.rows[-1] if trial.rows else {}
            value = row.get(self.spec.objectives[0].metric)
            values = _varied(self.controller.history.points[trial.point])
            table.add_row(str(trial.number), str(trial.epochs), _figure(value), values)
        return table


def _epochs_done(history: History) -> int:
    return sum(trial.epochs for trial in history.trials)


def _expected(history: History, spec: StudySpec) -> int:
    """How many points there will be: those of the study file, and what a user added."""
    return spec.points + history.user_points


def best_line(point: Point, spec: StudySpec) -> str:
    """A point's line, with what its fresh seeds say where it was confirmed."""
    fresh = fresh_value(point, spec)
    return ("" if fresh is None else f"{_figure(fresh)} on fresh seeds, ") + _point_line(
        point, spec
    )


def _point_line(point: Point, spec: StudySpec) -> str:
    """``point 3  COMPLETE  val_accuracy 0.9731  optimizer.name=sgd …``."""
    metric = spec.objectives[0].metric
    if point.state == "COMPLETE":
        result = f"{metric} {_figure(point.first_value)}"
        if len(point.seeds) < spec.replicates:
            result += f" on {len(point.seeds)} of {spec.replicates} seeds"
    elif point.state == "PRUNED":
        trial = next(
            (trial for trial in search_trials(point) if trial.state == "PRUNED"), point.trials[0]
        )
        value = trial.rows[-1].get(metric) if trial.rows else None
        result = f"stopped at epoch {trial.epochs} with {metric} {_figure(value)}"
    else:
        failure = next((t.failure for t in point.trials.values() if t.failure), None)
        result = f"{failure.failure_class}: {failure.message}" if failure else "error: "
    return f"point {point.number}  {point.state}  {result}  {_varied(point)}"


def _varied(point: Point) -> str:
    return " ".join(f"{path}={_figure(value)}" for path, value in point.values.items())


def _figure(value: Any) -> str:
    """A value in four significant digits."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
