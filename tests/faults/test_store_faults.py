"""Studies on an object store that fails, under drivers that are killed and taken over.

Real: moto's S3 server; the ``study`` command in processes of its own, really killed, stopped and
continued; its client of the store, claim, journal, controller, requests and tables. In Ray's place
are workers that train nothing and report a known curve (``driver_without_ray``), so that twenty
studies take minutes. Between them and the server stands a proxy that answers 500 or 503, carries
out and resets the connection, or answers after five seconds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from study.files.layout import StudyPaths
from study.files.object_storage import ObjectPath
from study.journal.history import History
from study.journal.journal import read_records

from ..study.command import (
    check_exact,
    history_of,
    kill_all,
    outcome,
    run,
    start,
    wait_for,
    write_study,
)
from .faulty_store import Fault, FaultyStore
from .harried_study import ENDS, HarriedStudy

STUDIES = 20
AT_ONCE = 10
SHARE = 0.2
ABSENCE_S = 45.0
QUICK = (Fault.ERROR, Fault.SLOW_DOWN, Fault.RESET)

Check = Callable[[HarriedStudy], None]
CHECKS: dict[str, Check] = {
    "no point, trial or epoch is lost or doubled": HarriedStudy.check_exact,
    "what drivers say is a line that helps": HarriedStudy.check_messages,
    "the tables are what the journal gives": HarriedStudy.check_tables,
    "the results are those of an undisturbed run": HarriedStudy.check_outcome,
}


def harried(
    number: int,
    folder: Path,
    bucket: ObjectPath,
    server: str,
    *,
    kinds: tuple[Fault, ...] = tuple(Fault),
    points: int = 8,
) -> HarriedStudy:
    """A study that has come to its end over a store that fails."""
    storage = bucket / f"lab-{number}"
    with FaultyStore(server, seed=number, share=SHARE, kinds=kinds) as store:
        study = HarriedStudy(number, folder / str(number), storage, store, points)
        study.harry(takeovers=1 + number % 3)
        study.finish()
    return study


# --- the short form ---


def test_studies_on_a_store_that_fails_lose_nothing(
    tmp_path: Path, bucket: ObjectPath, s3: str
) -> None:
    def one(number: int) -> HarriedStudy:
        return harried(number, tmp_path, bucket, s3, kinds=QUICK, points=4)

    with ThreadPoolExecutor(2) as pool:
        studies = list(pool.map(one, range(2)))
    for study in studies:
        study.check_exact()
        study.check_messages()
        study.check_outcome()


# --- the long form ---


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory, s3: str) -> Iterator[list[HarriedStudy]]:
    import boto3

    folder = tmp_path_factory.mktemp("harried")
    boto3.client("s3", endpoint_url=s3, region_name="us-east-1").create_bucket(Bucket="harried")

    def one(number: int) -> HarriedStudy:
        return harried(number, folder, ObjectPath("s3://harried", "long"), s3)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield list(pool.map(one, range(STUDIES)))


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("promise", CHECKS)
def test_of_twenty_studies_on_a_store_that_fails(
    promise: str, studies: list[HarriedStudy], capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(studies) == STUDIES
    wrong: dict[int, str] = {}
    for study in studies:
        try:
            CHECKS[promise](study)
        except AssertionError as error:
            wrong[study.number] = str(error)[-3000:]
    with capsys.disabled():
        for study in studies if promise == next(iter(CHECKS)) else []:
            print(f"\n{study}", end="")
    assert not wrong, json.dumps(wrong, indent=1)


@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_a_study_that_trains_on_ray_over_a_store_that_fails_loses_nothing(
    tmp_path: Path, bucket: ObjectPath, s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With real trainings and their checkpoints, killed once with all that it has started."""
    file, paths = str(write_study(tmp_path, reproducible=True)), StudyPaths(bucket, "tiny")
    assert not paths.journal.exists()  # looked at past the faulty store, from here on too
    where = ("--storage", str(bucket))
    with FaultyStore(s3, share=SHARE, kinds=QUICK) as store:
        monkeypatch.setenv("AWS_ENDPOINT_URL", store.address)
        first = start(tmp_path, "run", file, *where)
        wait_for(
            lambda: first.poll() is not None or len(read_records(paths.journal)) > 15, "trials"
        )
        assert first.poll() is None, first.communicate()[0]
        kill_all(first)
        ended = (run(tmp_path, "resume", "tiny", *where, code=None) for _ in range(ENDS))
        last = next(done for done in ended if done.returncode == 0)
    assert "study tiny is complete" in last.stdout
    history = History(read_records(paths.journal))
    check_exact(history)
    run(tmp_path, "run", file)
    assert outcome(history) == outcome(history_of(tmp_path))


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("absence", [FaultyStore.hanging, FaultyStore.away])
def test_a_store_that_is_gone_for_a_while_is_waited_for(
    absence: Callable[[FaultyStore], AbstractContextManager[None]],
    tmp_path: Path,
    bucket: ObjectPath,
    s3: str,
) -> None:
    """It is gone for longer than its client tries by itself."""
    with FaultyStore(s3) as store:
        study = HarriedStudy(0, tmp_path, bucket, store, epoch_s=0.3)
        driver = study.start()
        study.wait(lambda: study.appends() > 10, driver)
        with absence(store):
            time.sleep(ABSENCE_S)
        study.wait(lambda: False, driver)
        study.collect_outputs()
    assert len(study.drivers) == 1
    assert study.outputs[0][0] == 0, study.outputs[0][1]
    for check in CHECKS.values():
        check(study)
