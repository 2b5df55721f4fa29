"""Requests to a driver lie in the study's folder until it has done what they ask for."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from study.files import requests
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath

STOP = {"do": "stop"}


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return StudyPaths(LocalPath(tmp_path), "fake")


def test_requests_wait_in_the_order_they_were_made_until_they_are_discarded(
    paths: StudyPaths,
) -> None:
    assert requests.waiting(paths) == []
    for number in range(3):
        requests.post(paths, {"do": "stop_trial", "trial": number})
    found = requests.waiting(paths)
    assert [(request.do, request.trial) for request in found] == [
        ("stop_trial", number) for number in range(3)
    ]
    assert requests.waiting(paths) == found
    requests.discard(found[:2])
    assert requests.waiting(paths) == found[2:]
    requests.discard(found)
    assert requests.waiting(paths) == []


def test_their_order_is_not_that_of_clocks(
    paths: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([5_000, 5_000, 5_000, 20, 6_000])
    monkeypatch.setattr(time, "time_ns", lambda: next(clock))
    for number in range(5):
        requests.post(paths, {"do": "stop_trial", "trial": number})
    assert [request.trial for request in requests.waiting(paths)] == list(range(5))


def test_a_name_that_nobody_has_given_leaves_room_for_others(paths: StudyPaths) -> None:
    paths.requests.make_folder()
    for name in ("9" * 20 + "-00000000.json", "9" * 30 + ".json", "notes.json"):
        (paths.requests / name).write_text("{}")
    path = requests.post(paths, STOP)
    assert path in [request.path for request in requests.waiting(paths)]
    assert len(path.name) == len("-00000000.json") + 20


@pytest.mark.parametrize(
    "content",
    [
        "not JSON",
        "[]",
        "5",
        "{}",
        '{"do": "dance"}',
        '{"do": "stop_trial"}',
        '{"do": "stop_trial", "trial": "x"}',
        '{"do": "stop_trial", "trial": true}',
        '{"do": "add"}',
        '{"do": "add", "values": []}',
        '{"do": "extend"}',
        '{"do": "extend", "points": 0}',
        '{"do": "extend", "points": true}',
        '{"do": "extend", "points": 3, "seeds": 2}',
        '{"do": "drop"}',
        '{"do": "drop", "point": true}',
        "[" * 100_000,
    ],
)
def test_what_is_no_request_says_so_and_takes_no_other_with_it(
    paths: StudyPaths, content: str
) -> None:
    requests.post(paths, STOP)
    (paths.requests / "0.json").write_whole(content)
    requests.post(paths, STOP)
    bad, *good = requests.waiting(paths)
    assert (bad.do, bool(bad.fault)) == ("", True)
    assert [request.do for request in good] == ["stop", "stop"]
    assert requests.waiting_stops(paths) == good


def test_one_that_cannot_be_read_now_waits_and_takes_no_other_with_it(paths: StudyPaths) -> None:
    requests.post(paths, STOP)
    (paths.requests / "0.json").make_folder()  # reading it is an error of the system's
    assert [request.do for request in requests.waiting(paths)] == ["stop"]
