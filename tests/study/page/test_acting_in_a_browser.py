"""Each action done by clicking in a real browser, with and without scripts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.cluster.job_request import JobRequest
from study.execution.changes import Change
from study.execution.live_progress import LiveFile, LiveProgress, ShareSeen
from study.files import requests
from study.files.lock import acquire_lock
from study.journal.replay import read_history
from study.page.actions.doing import DOING

from ...analysis.conftest import Maker, sgd
from .browser import CHROMIUM, WHY_NOT, Browser, Tab, browsing
from .served import TOKENS, Served, serving, settings_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)
PICTURES = os.environ.get("PAGE_PICTURES")
FILE = "study: tiny\nsampler: first-only\nfirst: [{set: {}}]\nrecipe: {model: mlp}\n"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def tab(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Tab]:
    with browser.tab() as found:
        found.look(width=1300 if request.param else 390)
        if not request.param:
            found.without_scripts()
        yield found
        assert [fault for fault in found.faults if not _is_of_a_stream(fault)] == []


def _is_of_a_stream(fault: str) -> bool:
    """Whether it is of a stream of events, which ends with its page or its server."""
    return "[object Event]" in fault or "EventSource" in fault or "/events" in fault


@pytest.fixture
def study(tmp_path: Path) -> Maker:
    made = Maker(tmp_path / "lab", name="one")
    made.complete_point(sgd(0.1, 0.9), [0.90, 0.92])
    made.report(made.start(made.point(sgd(0.2, 0.9)), 0), 1, 0.5)
    point = made.point(sgd(0.3, 0.9))
    made.fail(made.start(point, 0), "diverged")
    made.tell(point, "FAIL", None)
    made.close(0, "interrupted")
    return made


class Noted:
    """Starts nothing, and notes what it was asked."""

    can_start = True
    drives_here = True

    def __init__(self) -> None:
        self.asked: list[JobRequest] = []

    def start(self, request: JobRequest, command: str) -> Change:
        self.asked.append(request)
        return Change(("begun",), True)


def enter(tab: Tab, served: Served, path: str) -> None:
    tab.open(f"http://127.0.0.1:{served.port}{path}?token={TOKENS.full}")


def do(tab: Tab, action: str, fields: dict[str, str], told: str) -> None:
    """Click an action, fill its form, see what will happen, do it, and read what was done."""
    tab.click(f"a.button[href*='/do/{action}']")
    tab.until(f"location.pathname.endsWith('/do/{action}') && document.readyState === 'complete'")
    for name, text in fields.items():
        tab.click(f"[name={name}]")
        if text:
            tab.tell("Input.insertText", text=text)
    if fields:
        tab.click("form[method=get] button")
        tab.until("location.search.length > 1 && document.readyState === 'complete'")
    tab.until("!!document.querySelector('form[method=post]')")
    if PICTURES:
        tab.picture(Path(PICTURES) / f"{action}-{tab.value('innerWidth')}.png")
    assert tab.value("document.documentElement.scrollWidth <= innerWidth")
    tab.click("form[method=post] button")
    tab.until("!!document.querySelector('.told')")
    assert told in tab.value("document.querySelector('.told').textContent")


def test_a_study_that_nobody_drives_is_changed_by_clicking(tab: Tab, study: Maker) -> None:
    with serving(settings_of(study.paths.storage.local_path())) as served:
        enter(tab, served, "/s/lab/one")
        lines = "optimizer.name=sgd\noptimizer.lr=0.5\noptimizer.momentum=0.1"
        do(tab, "add", {"values": lines}, "added to one: ")
        do(tab, "drop", {"point": "0"}, "dropped point 0")
        enter(tab, served, "/s/lab/one/t/2")
        do(tab, "stop-trial", {}, "stopped trial 2")
    history = read_history(study.paths.journal)
    assert history.points[-1].values["optimizer.lr"] == 0.5
    assert history.points[0].is_dropped
    assert history.trials[2].state == "PRUNED"


def test_a_driver_is_asked_by_clicking(tab: Tab, study: Maker) -> None:
    lock = acquire_lock(study.paths.lock)
    on_a_cluster = LiveProgress()
    on_a_cluster.share = ShareSeen(share=1.0, holds=2, wants=5, part=2, waits_since=None)
    LiveFile(study.paths, on_a_cluster).refresh()
    try:
        with serving(settings_of(study.paths.storage.local_path())) as served:
            enter(tab, served, "/s/lab/one")
            do(tab, "extend", {"points": "60"}, "asked the driver of one to go on: points")
            do(tab, "share", {"weight": "2"}, "the share of one is 2 from now on")
            do(tab, "stop", {}, "asked the driver to stop one")
    finally:
        lock.release()
    extend, share, stop = requests.waiting(study.paths)
    assert (extend.do, extend.counts, stop.do) == ("extend", {"points": 60}, "stop")
    assert (share.do, share.weight) == ("share", 2.0)


def test_drivers_are_started_by_clicking(tab: Tab, study: Maker) -> None:
    with serving(settings_of(study.paths.storage.local_path(), drive=True)) as served:
        launcher = served.app[DOING].launcher = Noted()
        enter(tab, served, "/s/lab/one")
        do(tab, "resume", {}, "begun")
        do(tab, "retry", {"failed": ""}, "begun")
        if PICTURES:
            tab.picture(Path(PICTURES) / f"study-{tab.value('innerWidth')}.png", whole=False)
        enter(tab, served, "/submit")
        tab.click("[name=file]")
        tab.tell("Input.insertText", text=FILE.replace("mlp", "mpl"))
        tab.click("button:not([formaction])")
        tab.until("!!document.querySelector('[role=alert]')")
        assert "did you mean mlp?" in tab.value(
            "document.querySelector('[role=alert]').textContent"
        )
        tab.value("document.querySelector('[name=file]').value = ''")
        tab.click("[name=file]")
        tab.tell("Input.insertText", text=FILE)
        tab.click("button:not([formaction])")
        tab.until("!!document.querySelector('#will')")
        if PICTURES:
            tab.picture(Path(PICTURES) / f"submit-{tab.value('innerWidth')}.png")
        tab.click("button[formaction]")
        tab.until("location.pathname === '/'")
    resumed, retried, submitted = launcher.asked
    assert (resumed.name, resumed.retry_failed, retried.retry_failed) == ("one", False, True)
    assert (submitted.name, submitted.study_file) == ("tiny", FILE)
