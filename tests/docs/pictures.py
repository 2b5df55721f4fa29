"""The pictures in README and docs, of a real study: ``python -m tests.docs.pictures``.

The study is README's own. Its display and its page are drawn on the way, and its report once it has
ended, by Debian's chromium.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from study.cli.live_display import LiveDisplay
from study.execution.live_progress import read_live
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec
from study.spec.spec import StudySpec

from ..study.page.browser import browsing
from ..study.page.served import TOKENS, serving, settings_of
from .pages import ROOT, blocks_of

FOLDER = ROOT / "docs" / "pictures"
STUDY = str(Path(sys.executable).with_name("study"))
WIDTH = 100
_FONTS_FROM_ELSEWHERE = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True)
class _Reading:
    """A study as its folder shows it."""

    spec: StudySpec
    history: History
    stopping: str = ""


def draw() -> None:
    """Run README's study in a folder of its own, and write its pictures."""
    FOLDER.mkdir(exist_ok=True)
    (file,) = [block for block in blocks_of(ROOT / "README.md") if block.title]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / file.title).write_text(file.text)
        command = [STUDY, "run", file.title]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as driver:
            study = StudyPaths(LocalPath(Path(folder) / "studies"), Path(file.title).stem)
            _draw_display(study, FOLDER / "display.svg", f"study run {file.title}")
            draw_page(Path(folder) / "studies", study.name)
            assert driver.wait() == 0
        subprocess.run([STUDY, "report", study.name], cwd=folder, check=True)
        _draw_report(Path(folder) / "studies" / study.name / "report.html", FOLDER / "report.png")


def _draw_display(study: StudyPaths, picture: Path, title: str) -> None:
    """Draw the display once half of the points have ended, and two trials are under way."""
    while True:
        time.sleep(0.2)
        if not Path(str(study.journal)).exists():
            continue
        history = read_history(study.journal)
        spec = recorded_spec(study, history)
        under_way = [trial for trial in history.trials if trial.state == "RUNNING" and trial.epochs]
        if len(history.point_endings) >= spec.points / 2 and len(under_way) > 1:
            break
    nowhere = Console(file=io.StringIO(), width=WIDTH)
    display = LiveDisplay(nowhere)
    display.begin(spec, _Reading(spec, history), read_live(study))
    console = Console(record=True, file=io.StringIO(), width=WIDTH, force_terminal=True)
    console.print(display.picture())
    display.end()
    form = _FONTS_FROM_ELSEWHERE.sub("", CONSOLE_SVG_FORMAT)
    picture.write_text(console.export_svg(title=title, code_format=form))


def _draw_report(report: Path, picture: Path) -> None:
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1"]
    size = "--window-size=1300,720"
    target = f"--screenshot={picture}"
    command = ["chromium", *options, size, target, report.as_uri()]
    subprocess.run(command, check=True, capture_output=True)


def draw_page(storage: Path, study: str) -> None:
    """Draw the page of a study as a browser shows it, and on a phone in the dark."""
    path = f"/s/studies/{study}?wait=1"
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(settings_of(storage)) as served,
        browsing(Path(folder)) as browser,
        browser.tab() as tab,
    ):
        address = f"http://127.0.0.1:{served.port}"
        tab.open(f"{address}/?token={TOKENS.full}")
        tab.open(f"{address}{path}")
        tab.look(width=1300, height=1000)
        tab.until("!!document.querySelector('.uplot canvas')")
        tab.picture(FOLDER / "page.png", whole=False)
        tab.look(width=390, height=844, dark=True)
        tab.open(f"{address}{path}")
        tab.until("!!document.querySelector('.uplot canvas')")
        tab.picture(FOLDER / "page-phone.png", whole=False)


if __name__ == "__main__":
    draw()
