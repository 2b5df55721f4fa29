"""``study watch``: what a study that runs elsewhere is at, from its folder alone."""

from __future__ import annotations

import signal
from pathlib import Path

from ..command import count, run, start, wait_for, write_slow_study
from .mistakes import check_mistake


def test_a_study_that_has_ended_is_shown_with_its_status(home: Path) -> None:
    shown = run(home, "watch", "fake").stdout
    assert shown.startswith("study fake: 6 points, 6 of them done\n")
    assert "\nfake: interrupted\n  points   6 of 6" in shown


def test_a_study_that_is_not_there_is_a_mistake(home: Path) -> None:
    check_mistake(home, "watch fak", "did you mean fake?")


def test_a_study_that_goes_on_elsewhere_is_followed_to_its_end(tmp_path: Path) -> None:
    file = write_slow_study(tmp_path, points=3, concurrency=1, pruner="none")
    driver = start(tmp_path, "run", str(file))
    try:
        wait_for(lambda: count(tmp_path, "reported"), "the first epoch")
        driver.send_signal(signal.SIGSTOP)  # however long the command takes to begin
        watching = start(tmp_path, "watch", "tiny")
        assert watching.stdout is not None
        first_line = watching.stdout.readline()
        driver.send_signal(signal.SIGCONT)
        shown = first_line + watching.communicate()[0]
    finally:
        driver.send_signal(signal.SIGCONT)
        driver.communicate()
    assert "\n[3/3] point " in shown
    assert "\n  points   3 of 3" in shown
    assert not list((tmp_path / "studies" / "tiny").glob("live.json*"))
