"""What an object store costs a study whose answers take 5 ms: against a folder on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from study.files.object_client import client

from .board import Board
from .test_between_trials import run_study
from .trees import CHILDREN

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
LATENCY_MS = 5
TRIALS, SECONDS, ROUNDS = 20, 1.0, 2


@pytest.fixture
def slow_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A prefix on a store in a process of its own, known by the environment."""
    import boto3

    words = [sys.executable, str(CHILDREN / "slow_store.py"), str(LATENCY_MS)]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client.cache_clear()
        boto3.client("s3", endpoint_url=address).create_bucket(Bucket="studies")
        yield "s3://studies/lab"
        client.cache_clear()
        assert server.stdin is not None
        server.stdin.close()


def test_an_object_store_takes_hardly_longer_than_a_folder(
    place: Path, slow_bucket: str, board: Board
) -> None:
    spent: dict[str, list[float]] = {str(place / "studies"): [], slow_bucket: []}
    for turn in range(ROUNDS):
        for storage, walls in spent.items():
            history, meter = run_study(place, f"turn-{turn}", TRIALS, SECONDS, storage=storage)
            assert [point.state for point in history.points] == ["COMPLETE"] * TRIALS
            walls.append(meter.per_trial_ms(0, TRIALS)[0])
    here, there = (min(walls) for walls in spent.values())
    what = f"a study on an object store of {LATENCY_MS} ms over one in a folder, trials of 1 s"
    board.at_most(what, there / here, 1.05, "×")
