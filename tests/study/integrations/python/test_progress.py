"""Progress is shown where it can be: a picture in a notebook, lines in a file, or nothing."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from study.cli.progress import LiveDisplay, PlainLines
from study.controller.next_work import Assignment
from study.execution.live_progress import LiveProgress
from study.execution.run import ProgressDisplay
from study.integrations.python.progress import NotebookDisplay, display_for, is_notebook

from ...controller.studies import play
from ...fake_cluster import Storage, controller_on, small_spec


class Handle:
    """A notebook's output, which is shown and shown anew."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def display(self, content: Any, display_id: bool = False) -> Handle:
        self.shown.append(content)
        return self

    update = display


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Handle:
    """A notebook's cell, as far as a display sees one."""
    handle = Handle()
    shell, page = ModuleType("IPython"), ModuleType("IPython.display")
    shell.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
    page.display = handle.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", page)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    return handle


def test_a_notebook_sees_the_study_go_on_in_one_place(cell: Handle) -> None:
    assert is_notebook()
    display = display_for(True)
    assert isinstance(display, NotebookDisplay)
    controller = controller_on(Storage(), small_spec(pruner="none", question="<b>Which?</b>"))
    display.begin(controller.spec, controller, LiveProgress())
    work = controller.next()
    assert isinstance(work, Assignment)
    play(controller, work)
    display.tick()
    display.say("paused: <i>\x1b[2J")
    display.say("paused: <i>\x1b[2J")
    text, page = repr(cell.shown[-1]), cell.shown[-1]._repr_html_()
    assert text.count("paused: ") == 1
    assert "1/12" in text
    assert "best so far: point 0" in text
    assert "<b>" not in page
    assert "\x1b" not in page
    display.end()
    assert "no trial runs any more" in repr(cell.shown[-1])
    assert len(cell.shown) == 4, "drawn at first, after half a second, for the message, at the end"


def test_what_is_said_before_there_is_a_picture_is_a_line(
    cell: Handle, capsys: pytest.CaptureFixture[str]
) -> None:
    display_for(True).say("taking the study over")
    assert capsys.readouterr().out == "taking the study over\n"
    assert cell.shown == []


@pytest.mark.parametrize("shell", [None, SimpleNamespace()])
def test_elsewhere_it_is_no_notebook(shell: Any, cell: Handle) -> None:
    sys.modules["IPython"].get_ipython = lambda: shell  # type: ignore[attr-defined]
    assert not is_notebook()


def test_without_a_terminal_there_are_lines_and_where_nothing_is_wanted_nothing() -> None:
    assert isinstance(display_for(True), PlainLines | LiveDisplay)
    assert type(display_for(False)) is ProgressDisplay
    own = ProgressDisplay()
    assert display_for(own) is own
