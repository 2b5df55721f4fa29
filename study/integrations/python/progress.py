"""How a study that Python runs shows its progress: live in a terminal and in a notebook, as lines
elsewhere, or not at all.
"""

from __future__ import annotations

import io
import logging
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType
from rich.text import Text

from analysis.rendering.forms import TERMINAL_STYLE
from study.cli.live_display import LiveDisplay
from study.cli.progress import display_on
from study.execution.run import ProgressDisplay
from study.files.visible_text import visible

if TYPE_CHECKING:
    from study.cli.live_display import Running
    from study.execution.live_progress import LiveProgress
    from study.spec.spec import StudySpec

_WIDTH = 110
"""Characters: what fits beside a notebook's margins."""
_REFRESH_S = 0.5
_KERNEL = "ipykernel"


def display_for(progress: bool | ProgressDisplay) -> ProgressDisplay:
    """Return the display that suits where this process shows its output; one that shows nothing
    where none is wanted.
    """
    if isinstance(progress, ProgressDisplay):
        return progress
    if not progress:
        return ProgressDisplay()
    if is_notebook():
        return NotebookDisplay()
    return display_on(Console(file=sys.stdout))


def is_notebook() -> bool:
    """Return whether this process is a notebook's kernel, whose cells show HTML."""
    if "IPython" not in sys.modules or _KERNEL not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and hasattr(shell, "kernel")


class NotebookDisplay(ProgressDisplay):
    """Shows the terminal's picture below a notebook's cell, in place of the one before."""

    def __init__(self) -> None:
        from IPython.display import display

        # what Ray and tqdm would like a notebook to have, above every study's progress
        warnings.filterwarnings("ignore", message="IProgress not found")
        logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
        self._console = Console(
            file=io.StringIO(), width=_WIDTH, record=True, force_terminal=True, force_jupyter=False
        )
        self._pictures = LiveDisplay(self._console)
        self._display = display
        self._cell: Any = None
        self._drawn_at = 0.0
        self._notes: list[str] = []

    def begin(self, spec: StudySpec, controller: Running, live: LiveProgress) -> None:
        self._notes += spec.notes
        self._pictures.follow(controller, live)
        self._cell = self._display(self._picture(), display_id=True)

    def tick(self) -> None:
        if self._cell and time.monotonic() - self._drawn_at > _REFRESH_S:
            self._drawn_at = time.monotonic()
            self._cell.update(self._picture())

    def say(self, message: str) -> None:
        """Show a line above the picture, unless it was the last one too."""
        if self._notes[-1:] == [message]:
            return
        self._notes.append(message)
        if self._cell:
            self._cell.update(self._picture())
        else:
            print(visible(message))

    def end(self) -> None:
        if self._cell:
            self._cell.update(self._drawn(Text("no trial runs any more", style="dim")))

    def _picture(self) -> _Html:
        return self._drawn(self._pictures.picture())

    def _drawn(self, picture: RenderableType) -> _Html:
        """Return what is drawn, below the lines that were said."""
        for note in self._notes:
            self._console.print(visible(note), style="dim", markup=False, highlight=False)
        self._console.print(picture)
        text = self._console.export_text(clear=False)
        page = self._console.export_html(inline_styles=True, code_format="{code}")
        return _Html(f'<pre style="{TERMINAL_STYLE}">{page}</pre>', text)


class _Html:
    """HTML for a notebook, and a text for what shows none."""

    def __init__(self, html: str, text: str) -> None:
        self._html = html
        self._text = text

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return self._text
