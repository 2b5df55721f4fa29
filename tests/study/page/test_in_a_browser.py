"""The pages in a real browser: wide and narrow, light and dark, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from study.files.lock import acquire_lock

from ...analysis.conftest import Maker, sgd
from .browser import CHROMIUM, WHY_NOT, Browser, Tab, browsing
from .conftest import fill_mixed
from .served import TOKENS, Served, serving, settings_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)

PAGES = [
    "/",
    "/s/lab/mixed?wait=1",
    "/s/lab/begun?wait=1",
    "/s/lab/mixed/t/3",
    "/compare?a=lab/mixed&b=lab/thirty",
    "/query?sql=SELECT * FROM trials",
    "/nix",
]
WIDE, NARROW = 1300, 390


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    with browser.tab() as found:
        yield found


def address(served: Served, path: str) -> str:
    return f"http://127.0.0.1:{served.port}{path}"


def enter(tab: Tab, served: Served) -> None:
    tab.open(address(served, f"/?token={TOKENS.full}"))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_each_page_is_whole_and_no_wider_than_the_window(
    tab: Tab, served: Served, width: int, dark: bool
) -> None:
    tab.look(width=width, dark=dark)
    enter(tab, served)
    assert "token" not in tab.value("location.search")
    for path in PAGES:
        tab.open(address(served, path))
        assert tab.value("document.documentElement.scrollWidth") <= width, path
        assert tab.value("document.querySelectorAll('h1').length") == 1
        background = tab.value("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") is not dark, "its style sheet holds"
    expected = [address(served, "/nix")]
    assert [fault for fault in tab.faults if "nix" not in fault] == []
    assert expected[0] in tab.faults


def test_a_new_epoch_appears_without_a_reload(tab: Tab, tmp_path: Path) -> None:
    study = Maker(tmp_path / "lab", name="one")
    fill_mixed(study)
    with serving(settings_of(tmp_path / "lab")) as served:
        enter(tab, served)
        tab.open(address(served, "/s/lab/one?wait=1"))
        tab.until("!!document.querySelector('.uplot canvas')")
        tab.value("window.stays = true")
        study.open(2)
        trial = study.start(study.point(sgd(0.3, 0.5)), 0)
        study.report(trial, 1, 0.4321)
        tab.until("document.querySelector('.log').textContent.includes('val_accuracy 0.4321')")
        tab.until(f"document.querySelector('.u-legend').textContent.includes('trial {trial}')")
        assert tab.value("window.stays")
        top = "document.querySelector('#settings').getBoundingClientRect().top"
        before = tab.value(top)
        study.report(trial, 2, 0.54321)
        tab.until("document.querySelector('.log').textContent.includes('0.54321')")
        assert tab.value(top) == before, "nothing jumps"
        assert tab.faults == []


def test_a_trials_page_follows_the_trial(tab: Tab, tmp_path: Path) -> None:
    study = Maker(tmp_path / "lab", name="one")
    trial = study.start(study.point(sgd(0.3, 0.5)), 0)
    with serving(settings_of(tmp_path / "lab")) as served:
        enter(tab, served)
        tab.open(address(served, f"/s/lab/one/t/{trial}"))
        for epoch in (1, 2):
            study.report(trial, epoch, 0.1234 * epoch)
            tab.until(f"document.querySelector('#trial').textContent.includes('{0.1234 * epoch}')")
        study.prune(trial, 2)
        tab.until("document.querySelector('.state').textContent === 'PRUNED'")
        assert tab.faults == []


def test_the_buttons_of_an_open_page_follow_the_study(tab: Tab, tmp_path: Path) -> None:
    study = Maker(tmp_path / "lab", name="one")
    study.complete_point(sgd(0.1, 0.9), [0.90, 0.92])
    names = "Array.from(document.querySelectorAll('a.button'), (each) => each.textContent).join()"
    with serving(settings_of(tmp_path / "lab")) as served:
        enter(tab, served)
        tab.open(address(served, "/s/lab/one"))
        tab.value("window.stays = true")
        assert tab.value(names) == "Add a point,Drop a point"
        for _ in range(2):  # the second time into buttons that were swapped in
            lock = acquire_lock(study.paths.lock)
            try:
                tab.until(f"{names} === 'Stop,Extend,Add a point,Drop a point'")
            finally:
                lock.release()
            tab.until(f"{names} === 'Add a point,Drop a point'")
        assert tab.value("window.stays")
        assert tab.faults == []


def test_the_list_follows_its_studies(tab: Tab, tmp_path: Path) -> None:
    study = Maker(tmp_path / "lab", name="one")
    with serving(settings_of(tmp_path / "lab")) as served:
        served.data("/index.json")
        enter(tab, served)
        for count in (1, 2):  # the second one is sent to the row that was swapped in
            study.complete_point(sgd(0.1 * count, 0.5), [0.9, 0.91])
            tab.until(f"document.body.textContent.includes('{count} of 40')")
        Maker(tmp_path / "lab", name="another")
        tab.until("!!document.querySelector('a[href=\"/s/lab/another\"]')")
        assert tab.faults == []


def test_all_plots_are_drawn_when_they_are_asked_for(tab: Tab, served: Served) -> None:
    enter(tab, served)
    tab.open(address(served, "/s/lab/mixed?wait=1"))
    tab.click('a[href="?part=plots"]')
    tab.until("!!document.querySelector('[data-plot=learning-curves]')")
    assert tab.value("location.search") == "?wait=1"
    assert tab.faults == []


def test_without_scripts_all_is_there_but_what_moves(tab: Tab, served: Served) -> None:
    tab.without_scripts()
    tab.tell("Page.navigate", url=address(served, f"/?token={TOKENS.full}"))
    shown: dict[str, str] = {}
    for path in (
        "/?sort=best",
        "/s/lab/mixed?wait=1",
        "/s/lab/mixed/t/3",
        "/s/lab/mixed?part=plots",
    ):
        shown[path] = served.page(path)
        tab.tell("Page.navigate", url=address(served, path))
    assert '<svg class="chart"' in shown["/s/lab/mixed?wait=1"]
    assert 'data-plot="learning-curves"' in shown["/s/lab/mixed?part=plots"]
    assert tab.faults == []
