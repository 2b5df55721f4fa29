"""Requests to a driver lie in the study's folder until it takes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.files import requests
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath

STOP = {"do": "stop"}


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    return StudyPaths(LocalPath(tmp_path), "fake")


def test_each_request_is_taken_once_in_the_order_they_were_made(paths: StudyPaths) -> None:
    assert requests.take(paths) == []
    made = [{"do": "stop_trial", "trial": number} for number in range(3)]
    for request in made:
        requests.post(paths, request)
    assert requests.take(paths) == made
    assert requests.take(paths) == []


def test_what_is_no_request_is_passed_over(paths: StudyPaths) -> None:
    requests.post(paths, STOP)
    (paths.requests / "0.json").write_whole("not JSON")
    requests.discard_stops(paths)
    requests.post(paths, STOP)
    assert requests.take(paths) == [STOP]


def test_a_driver_that_begins_discards_what_stopped_the_last_one(paths: StudyPaths) -> None:
    added = {"do": "add", "values": {"optimizer.lr": 0.1}}
    for request in (STOP, added, STOP):
        requests.post(paths, request)
    requests.discard_stops(paths)
    assert requests.take(paths) == [added]
