from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from analysis.plots.kinds import PLOTS
from analysis.report.report import write_comparison, write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Reads a page: whether its tags nest, which identities it has and what it refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.plots: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [value or "" for key, value in attrs if key in ("href", "xlink:href", "src")]
        self.plots += [found["data-plot"] or ""] if "data-plot" in found else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def big_report(tmp_path_factory: pytest.TempPathFactory, maker_class: Any, fill: Any) -> Path:
    study = maker_class(tmp_path_factory.mktemp("report"))
    fill(study, 15)
    return write_report(study.paths)


def test_a_report_stands_alone_and_holds_every_plot(big_report: Path) -> None:
    page = big_report.read_text()
    found = read(page)
    assert found.plots == list(PLOTS)
    assert all(link.startswith(("#", "data:,")) for link in found.links), "nothing is fetched"
    assert all(link[1:] in found.ids for link in found.links if link.startswith("#"))
    assert len(found.ids) == len(set(found.ids))
    assert "url(http" not in page
    assert "<script" not in page
    assert big_report.stat().st_mode & 0o777 == 0o600


def test_a_report_opens_with_the_question_and_its_answer(mixed: Any) -> None:
    page = write_report(mixed.paths).read_text()
    assert (
        page.index("Does momentum help")
        < page.index("The highest val_accuracy")
        < page.index("Leaderboard")
    )
    assert "0.9600 [0.8329, 1.0000]" in page
    for word in (
        "out_of_memory",
        "repeated after an interruption",
        "study run study.yaml",
        "5398031b0c2d",
        "not finished",
    ):
        assert word in page


def test_a_study_that_has_only_begun_has_a_report(make: Any) -> None:
    page = write_report(make().paths).read_text()
    read(page)
    assert "no answer" in page


@pytest.mark.filterwarnings("ignore::study.errors.StudyFileChanged")
def test_what_a_user_wrote_is_escaped(make: Any) -> None:
    study = make()
    study.paths.spec.write_text(
        study.paths.spec.read_text().replace("Does momentum", "<script>alert(1)</script> Does")
    )
    page = write_report(study.paths).read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_several_studies_share_a_page_without_sharing_identities(
    mixed: Any, large: Callable[..., Any]
) -> None:
    found = read(write_report([mixed.paths, large(6, name="other").paths]).read_text())
    assert len(found.ids) == len(set(found.ids))


def test_two_studies_are_compared_on_a_page(mixed: Any, large: Callable[..., Any]) -> None:
    path = write_comparison(mixed.paths, large(6, name="other").paths)
    assert "expected best val_accuracy of 1 point" in path.read_text()
    assert path.name == "compare-other.html"


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed to open the report in")
@pytest.mark.parametrize("width", [1300, 390])
def test_a_browser_shows_the_report_without_a_word_on_its_console(
    big_report: Path, tmp_path: Path, width: int
) -> None:
    picture = tmp_path / "report.png"
    done = subprocess.run(
        [
            str(CHROMIUM),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--enable-logging=stderr",
            f"--window-size={width},4000",
            f"--screenshot={picture}",
            f"file://{big_report}",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert not re.findall(r".*:CONSOLE.*", done.stderr)
    assert picture.stat().st_size > 50_000
