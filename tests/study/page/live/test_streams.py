"""What changes in studies is sent to those who look, and nothing else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.files.lock import acquire_lock

from ....analysis.conftest import Maker, adam, sgd
from ..served import FULL, Served, serving, settings_of
from .watching import watching


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return tmp_path / "lab"


@pytest.fixture
def served(lab: Path) -> Iterator[Served]:
    with serving(settings_of(lab)) as server:
        yield server


def known(page: str) -> str:
    """The address of a page's events, which says what the page has."""
    found = re.search(r'sse-connect="([^"]*)"', page)
    assert found
    return found[1]


def test_what_a_driver_records_comes_to_who_looks(served: Served, lab: Path) -> None:
    study = Maker(lab, name="one")
    study.complete_point(adam(1e-3), [0.90, 0.92])
    page = served.page("/s/lab/one?wait=1")
    with watching(served, known(page)) as watcher:
        point = study.point(sgd(0.1, 0.9))
        trial = study.start(point, 0)
        study.report(trial, 1, 0.7)
        told = watcher.until("curves", "trial 2")
        assert '"label":"trial 2"' in told.data
        assert "reported  trial 2" in watcher.until("log", "epoch 1").data
        other = study.start(point, 1)
        for seed in (trial, other):
            study.report(seed, 3, 0.97)
            study.finish(seed)
        study.tell(point, "COMPLETE", 0.97)
        assert "2 of 40" in watcher.until("now", "2 of 40").data
        assert "at point 1" in watcher.until("answer", "0.9700").data
        assert "<table" in watcher.until("sections").data


def test_the_first_study_of_all_comes_to_an_empty_list(served: Served, lab: Path) -> None:
    lab.mkdir(exist_ok=True)
    with watching(served, known(served.page("/"))) as watcher:
        time.sleep(1.5)  # the empty list is looked at more than once
        Maker(lab, name="one")
        watcher.until("all")
    assert 'href="/s/lab/one"' in served.page("/")


def test_buttons_are_asked_for_again_when_they_change(served: Served, lab: Path) -> None:
    study = Maker(lab, name="one")
    page = served.page("/s/lab/one?wait=1")
    with watching(served, known(page)) as watcher:
        lock = acquire_lock(study.paths.lock)
        try:
            assert watcher.until("offers").data.split() == ["stop", "extend", "add"]
        finally:
            lock.release()
        assert watcher.until("offers").data.split() == ["add"]
        study.complete_point(adam(1e-3), [0.90, 0.92])
        assert watcher.until("offers").data.split() == ["add", "drop"]


def test_an_idle_study_sends_nothing(served: Served, lab: Path) -> None:
    study = Maker(lab, name="one")
    study.complete_point(adam(1e-3), [0.90, 0.92])
    study.close()
    page = served.page("/s/lab/one?wait=1")
    with watching(served, known(page)) as watcher:
        other = Maker(lab, name="other")
        with watching(served, "/s/lab/other/events") as later:
            later.until("now")
            other.complete_point(adam(1e-3), [0.9])
            later.until("now", "1 of 40")  # so that looks have gone by
        assert watcher.events.empty()


def test_whoever_comes_back_gets_what_was_missed(served: Served, lab: Path) -> None:
    study = Maker(lab, name="one")
    page = served.page("/s/lab/one?wait=1")
    study.complete_point(adam(1e-3), [0.90, 0.92])
    with watching(served, known(page)) as watcher:
        last = watcher.until("sections", "leaderboard")
    served.page("/s/lab/one?wait=1")
    again = FULL | {"Last-Event-ID": last.identity}
    with watching(served, "/s/lab/one/events", again) as watcher:
        point = study.point(sgd(0.1, 0.9))
        study.start(point, 0)
        first = watcher.events.get(timeout=60)
        assert first.name in ("now", "log"), "the others stand"


def test_the_list_is_sent_the_rows_that_change(served: Served, lab: Path) -> None:
    one, two = Maker(lab, name="one"), Maker(lab, name="two")
    served.data("/index.json")
    page = served.page("/")
    with watching(served, known(page)) as watcher:
        one.complete_point(adam(1e-3), [0.90, 0.92])
        told = watcher.until_row("1 of 40")
        assert told.data.startswith(f'<tr id="{told.name}"')
        assert ">one</a>" in told.data
        two.close()
        assert ">two</a>" in watcher.until_row("complete").data
        Maker(lab, name="three")
        watcher.until("all")


def test_a_study_that_is_not_there_is_not_found(served: Served) -> None:
    assert served.ask("/s/lab/nix/events").status == 404


def test_a_study_that_goes_and_returns_goes_on(served: Served, lab: Path) -> None:
    study = Maker(lab, name="one")
    with watching(served, "/s/lab/one/events") as watcher:
        watcher.until("now", "0 of 40")
        lab.rename(lab.with_name("away"))
        assert served.ask("/s/lab/two/events").status == 404
        lab.with_name("away").rename(lab)
        study.complete_point(adam(1e-3), [0.9])
        watcher.until("now", "1 of 40")


def test_whoever_looks_at_a_trial_is_told_of_that_alone(served: Served, lab: Path) -> None:
    study = Maker(lab, name="one")
    point = study.point(sgd(0.1, 0.9))
    first, second = study.start(point, 0), study.start(point, 1)
    page = served.page(f"/s/lab/one/t/{first}")
    with watching(served, known(page).replace("&amp;", "&")) as watcher:
        study.report(second, 1, 0.7)
        study.report(first, 1, 0.7)
        told = watcher.events.get(timeout=60)
        assert (told.name, told.data) == (f"trial-{first}", "1 RUNNING")
        study.prune(first, 1)
        assert watcher.events.get(timeout=60).data == "1 PRUNED"


def test_whoever_leaves_in_the_middle_leaves_no_trace(
    served: Served, lab: Path, caplog: pytest.LogCaptureFixture
) -> None:
    study = Maker(lab, name="one")
    with watching(served, "/s/lab/one/events") as stays:
        for seed in range(3):
            with watching(served, "/s/lab/one/events") as leaves:
                leaves.until("now")
            study.complete_point(sgd(0.1 * (seed + 1), 0.9), [0.9, 0.91])
            stays.until("now", f"{seed + 1} of 40")
    assert caplog.text == ""
