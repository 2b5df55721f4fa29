"""What a person sees while a study runs: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console

from study.cli.live_display import LiveDisplay, Running
from study.cli.point_lines import best_line, point_line
from study.execution.live_progress import LiveProgress
from study.execution.run import ProgressDisplay
from study.files.visible_text import visible
from study.inspection.format import count_text
from study.inspection.time_left import TimeLeft, elapsed_text, epochs_of_trial, time_left_text
from study.journal.history import History
from study.journal.trials import ENDED_STATES

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

__all__ = ["LiveDisplay", "PlainLines", "best_line", "display_on"]

_DOING_S = 10.0
"""So long lies between two lines on what is done before the trials."""
_SILENCE_S = 60.0
"""After so long without a line, one says how far the study is."""


def display_on(console: Console) -> LiveDisplay | PlainLines:
    """Return the display that suits the console."""
    return LiveDisplay(console) if console.is_terminal else PlainLines(console)


class PlainLines(ProgressDisplay):
    """Prints one line for each point that ends, and for what has to be said."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: set[int] = set()
        """The points that have been shown, or had ended before."""
        self._endings_seen = 0
        self._last_message = ""
        self._spoke_at = time.monotonic()
        self._has_told_stop = False
        self._did_at = time.monotonic()

    def begin(self, spec: StudySpec, controller: Running, live: LiveProgress) -> None:
        self._controller = controller
        self._live = live
        self._time_left = TimeLeft()
        self._shown = {
            point.number for point in self._history.points if point.state in ENDED_STATES
        }
        self._endings_seen = len(self._history.point_endings)
        done = f", {len(self._shown)} of them done" if self._shown else ""
        for note in spec.notes:
            self.say(note)
        self.say(f"study {spec.study}: {count_text(spec.points, 'point')}{done}")

    @property
    def _spec(self) -> StudySpec:
        return self._controller.spec

    @property
    def _history(self) -> History:
        return self._controller.history

    def show(self, running: Running, live: LiveProgress) -> None:
        """Take a newer reading of the study."""
        self._controller, self._live = running, live

    def tick(self) -> None:
        history = self._history
        endings = history.point_endings
        new, self._endings_seen = endings[self._endings_seen :], len(endings)
        for number in new:
            point = history.points[number]
            if point.state in ENDED_STATES and number not in self._shown:
                self._shown.add(number)
                count = f"[{len(self._shown)}/{self._spec.points + history.user_points}]"
                self.say(f"{count} {point_line(point, self._spec)}")
        if self._controller.stopping == "interrupted" and not self._has_told_stop:
            self._has_told_stop = True
            self.say("interrupted: closing the study, so that it can be resumed")
        if time.monotonic() - self._spoke_at > _SILENCE_S:
            self.say(self._state_text())

    def _state_text(self) -> str:
        """Say in a line how far the study is: ``after 3:00, about 12 min left: trial 4 …``."""
        history, now = self._history, time.time()
        began = history.sessions[-1].opened_at if history.sessions else now
        text = f"after {elapsed_text(now - began)}"
        left = self._time_left.seconds(self._spec, history, now)
        if left is not None:
            text += f", {time_left_text(left)} left"
        if self._live.waiting_for:
            return f"{text}: waiting for {self._live.waiting_for}"
        running = []
        for trial in history.trials:
            if trial.is_in_flight:
                length = epochs_of_trial(self._spec, history.points[trial.point])
                of = f" of {length}" if length else ""
                running.append(f"trial {trial.number} after epoch {trial.epochs}{of}")
        return f"{text}: {', '.join(running) or 'no trial is running'}"

    def say(self, message: str) -> None:
        """Print a line, unless it was the last one too: what is waited for is said often."""
        self._spoke_at = time.monotonic()
        if message != self._last_message:
            self._last_message = message
            print(visible(message), file=self._console.file, flush=True)

    def doing(self, what: str) -> None:
        """Print a line, but not one after the other."""
        if what and time.monotonic() - self._did_at > _DOING_S:
            self._did_at = time.monotonic()
            self.say(what)

    def end(self) -> None:
        self.tick()
