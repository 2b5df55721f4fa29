"""A job is followed to its end and not longer, and all of its log is passed on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from study.cluster import client
from study.cluster.client import Cluster, Job
from study.errors import OutsideFault

ENDLESS_S = 3600.0


class JobClient:
    """In the place of Ray's: a job whose log comes in pieces, and then nothing for long."""

    def __init__(self, *pieces: str, end_of_tail: Exception | None = None) -> None:
        self._pieces = pieces
        self._end_of_tail = end_of_tail
        self.states = ["SUCCEEDED"]
        """What it says of the job's state each time that it is asked; the last one from then on."""
        self.asked = 0

    async def tail_job_logs(self, job_id: str) -> AsyncIterator[str]:
        for piece in self._pieces:
            yield piece
            await asyncio.sleep(0.02)
        if self._end_of_tail:
            raise self._end_of_tail
        await asyncio.sleep(ENDLESS_S)

    def get_job_logs(self, job_id: str) -> str:
        return "".join(self._pieces)

    def get_job_info(self, job_id: str) -> Any:
        state = self.states[min(self.asked, len(self.states) - 1)]
        self.asked += 1
        if not state:
            raise ConnectionError("nobody is there for a moment")
        return SimpleNamespace(
            submission_id=job_id,
            metadata={"study": "tiny", "storage": "/studies"},
            status=state,
            start_time=1000,
            driver_exit_code=0 if state == "SUCCEEDED" else None,
            message="",
        )


@pytest.fixture(autouse=True)
def asks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FOLLOW_POLL_S", 0.01)


def follow(found: JobClient) -> tuple[Job, list[str]]:
    """The job when it has been followed, and what was passed on."""
    cluster = Cluster.__new__(Cluster)
    cluster.address = "http://head:8265"
    cluster._client = found  # type: ignore[assignment]
    passed: list[str] = []
    job = Job("study-tiny-1", "tiny", "/studies", "RUNNING", 1.0, None, "")
    return cluster.follow(job, passed.append), passed


def test_it_ends_with_the_job_though_more_of_the_log_is_waited_for() -> None:
    job, passed = follow(JobClient("a\nb", "c\n", "exit code 0\n"))
    assert (job.state, job.exit_code) == ("SUCCEEDED", 0)
    assert passed == ["a\nb", "c\n", "exit code 0\n"]


def test_a_cluster_that_does_not_answer_for_a_moment_is_asked_again() -> None:
    found = JobClient("a\n")
    found.states = ["RUNNING", "", "RUNNING", "SUCCEEDED"]
    job, passed = follow(found)
    assert (job.state, passed) == ("SUCCEEDED", ["a\n"])
    assert found.asked > 4


def test_a_log_that_can_not_be_read_is_said() -> None:
    found = JobClient("a\n", end_of_tail=RuntimeError("the dashboard is gone"))
    found.states = ["RUNNING"]
    with pytest.raises(OutsideFault, match="http://head:8265: the dashboard is gone"):
        follow(found)
