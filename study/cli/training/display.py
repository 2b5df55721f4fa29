"""What a person sees of one training without a study: its epochs as lines, and what it is at."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from study.files.visible_text import visible
from study.training.runtime.progress import TRAINING, ProgressMark, TrainingProgress

_FIGURES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds")
_REFRESHES_A_SECOND = 2
_SILENCE_S = 30.0
"""Where the output is no terminal, what a training is at is a line after so long without one."""
_LONG_S = 3.0
"""A stage that has lasted longer is shown on a terminal."""
_BAR_WIDTH = 24


class TrainingDisplay:
    """Shows a training while the block lasts; ``progress`` is to be told what it is at."""

    def __init__(self, console: Console, epochs: int | None) -> None:
        self.progress = TrainingProgress()
        self._console = console
        self._epochs = epochs
        self._live: Live | None = None
        self._has_ended = threading.Event()
        self._has_spoken = threading.Event()
        self._speaker = threading.Thread(target=self._break_silence, daemon=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                get_renderable=self._picture,
                refresh_per_second=_REFRESHES_A_SECOND,
                transient=True,
            )
            self._live.start()
        else:
            self._speaker.start()
        return self

    def show(self, row: Mapping[str, Any]) -> None:
        """Print an epoch as a line."""
        shown = [figure for figure in _FIGURES if isinstance(row.get(figure), float)]
        cells = [f"{figure} {row[figure]:.4g}" for figure in shown]
        self._say(f"epoch {row['epoch']}  " + "  ".join(cells))

    def _say(self, line: str) -> None:
        self._has_spoken.set()
        if self._live:
            self._console.print(visible(line), highlight=False, markup=False, soft_wrap=True)
        else:
            print(visible(line), file=self._console.file, flush=True)

    def _picture(self) -> Table | Group:
        """Draw what the training is at; nothing for the first moments of a stage."""
        mark = self.progress.mark()
        if mark.seconds < _LONG_S or not mark.stage:
            return Group()
        grid = Table.grid(padding=(0, 2))
        bar = ProgressBar(total=mark.steps or 1, completed=mark.step, width=_BAR_WIDTH)
        if mark.stage == TRAINING:
            grid.add_row(bar, Text(self._mark_text(mark)))
        else:
            grid.add_row(Text(self._mark_text(mark)))
        return grid

    def _mark_text(self, mark: ProgressMark) -> str:
        """``epoch 3 of 12, step 45/120, 1,234 images/s``."""
        if mark.stage != TRAINING:
            where = f" (epoch {mark.epoch})" if mark.epoch else ""
            return f"{mark.stage}{where} …"
        of = f" of {self._epochs}" if self._epochs else ""
        pace = f", {mark.images_per_second:,.0f} images/s" if mark.step else ""
        return f"epoch {mark.epoch}{of}, step {mark.step:,}/{mark.steps:,}{pace}"

    def _break_silence(self) -> None:
        """Say what the training is at whenever nothing has been said for long."""
        while not self._has_ended.is_set():
            if not self._has_spoken.wait(_SILENCE_S):
                self._say(self._mark_text(self.progress.mark()))
            self._has_spoken.clear()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._has_ended.set()
        self._has_spoken.set()
        if self._live:
            self._live.stop()
