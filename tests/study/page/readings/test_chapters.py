"""What comes out of studies is made once for each time that something has come out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from study.errors import UserError
from study.page.readings.chapters import Kept
from study.page.readings.followed_study import FollowedStudy

from ....analysis.conftest import Maker, adam, sgd

LONG_S = 600.0


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as found:
        yield found


def test_it_is_made_again_where_something_has_come_out(
    pool: ThreadPoolExecutor, tmp_path: Path
) -> None:
    maker = Maker(tmp_path, name="one")
    study = FollowedStudy("lab", maker.paths)
    study.read_on()
    kept = Kept(pool, lambda study: len(study.history.point_endings))
    assert kept.of(study, LONG_S).content == 0
    trial = maker.start(maker.point(sgd(0.1, 0.9)), 0)
    maker.report(trial, 1, 0.5)
    study.read_on()
    before = kept.of(study, LONG_S)
    assert before.making is None, "an epoch is no outcome"
    maker.complete_point(adam(1e-3), [0.9])
    study.read_on()
    assert kept.of(study, LONG_S).content == 1


def test_what_can_not_be_made_says_why_and_what_was_before_stands(
    pool: ThreadPoolExecutor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    maker = Maker(tmp_path, name="one")
    study = FollowedStudy("lab", maker.paths)
    study.read_on()
    errors: list[Exception] = []

    def make(study: FollowedStudy) -> str:
        if errors:
            raise errors.pop()
        return "made"

    kept = Kept(pool, make)
    assert kept.of(study, LONG_S).content == "made"
    for error, told in ((UserError("mine"), "mine"), (KeyError("x"), "can't be shown")):
        errors.append(error)
        maker.complete_point(adam(1e-3), [0.9])
        study.read_on()
        found = kept.of(study, LONG_S)
        assert found.content == "made"
        assert told in found.fault
    assert "what came out of one can't be shown" in caplog.text
