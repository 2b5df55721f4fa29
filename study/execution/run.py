"""A run of a study: its options, which do not enter the study, its display and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from study.errors import Interrupted, OutsideFault
from study.execution.signals import StopOnSignals

if TYPE_CHECKING:
    from study.controller.controller import Controller
    from study.execution.live_progress import LiveProgress
    from study.files.layout import StudyPaths
    from study.journal.history import History
    from study.spec.spec import StudySpec


class ProgressDisplay:
    """Shows how far a study is while it runs. This one shows nothing; the terminal's do."""

    def begin(self, spec: StudySpec, controller: Controller, live: LiveProgress) -> None:
        """Start showing the study; its trials are about to run. ``live`` says what isn't on
        record.
        """

    def tick(self) -> None:
        """Bring what is shown up to date; called about ten times a second."""

    def say(self, message: str) -> None:
        """Show one line."""

    def doing(self, what: str) -> None:
        """Show what is being done before the trials, in place of what was shown so; empty: no more
        of it.
        """

    def end(self) -> None:
        """Stop showing the study; no trial runs any more."""


class SteadyDisplay(ProgressDisplay):
    """Shows what another display shows, as long as anybody sees it.

    Whoever read the output may have gone, a terminal or a disk behind it as well. That is no fault
    of the study, which goes on in silence.
    """

    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display

    def begin(self, spec: StudySpec, controller: Controller, live: LiveProgress) -> None:
        self._show(lambda display: display.begin(spec, controller, live))

    def tick(self) -> None:
        self._show(lambda display: display.tick())

    def say(self, message: str) -> None:
        self._show(lambda display: display.say(message))

    def doing(self, what: str) -> None:
        self._show(lambda display: display.doing(what))

    def end(self) -> None:
        self._show(lambda display: display.end())

    def _show(self, act: Callable[[ProgressDisplay], None]) -> None:
        try:
            act(self._display)
        except (OSError, ValueError):  # a file that is closed is a ValueError
            self._display = ProgressDisplay()


@dataclass(frozen=True)
class RunOptions:
    """How a study is run, beside what its file says."""

    address: str | None = None
    """The Ray cluster to run on; None for a Ray of the study's own on this machine."""
    data_dir: str | None = None
    """Where the images lie; None for ``STUDY_DATA_DIR`` or ``./data``."""
    keep_going: bool = False
    """Whether the study goes on when the same failure repeats."""
    accept_loss: bool = False
    """Whether the study goes on though its journal has lost records."""
    wait_for_nodes: bool = False
    """Whether trials for which the cluster has no room yet wait for nodes that it will get."""
    trust: bool = False
    """Whether the code that the study names may run, whoever has started the study."""
    accept_change: bool = False
    """Whether a reproducible study goes on though the code of its own training has changed."""
    imports: bool = True
    """Whether a new study's own training is imported, apart from this process, to look at it."""
    own_code: tuple[str, ...] = ()
    """Names of code that the user has just written, as ``package.module:factory``."""
    display: ProgressDisplay = field(default_factory=ProgressDisplay)
    signals: StopOnSignals = field(default_factory=StopOnSignals)
    """What Ctrl-C does; whoever has opened its block keeps that beyond the run."""


RESUMABLE = ("interrupted", "wall_hours", "gpu_hours", "spend")
"""What ends a run that has more to do."""


@dataclass(frozen=True)
class RunResult:
    """How a run ended."""

    paths: StudyPaths
    history: History
    reason: str
    """``complete``, or what ended the run before: ``interrupted``, or a budget's name."""
    gpus: float = 0.0
    """The share of a GPU that each trial had."""

    @property
    def exit_code(self) -> int:
        """The exit code of the command that ran the study."""
        if self.reason in RESUMABLE:
            return Interrupted.exit_code
        if self.reason in ("halted", "failures"):
            return OutsideFault.exit_code
        counting = [point.state for point in self.history.points if not point.is_dropped]
        return 0 if "COMPLETE" in counting else 1
