"""A GPU that fails every trial gets no more of them; one that has failed some goes on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from study.errors import RayFault
from study.execution.on_ray.watching import gpu_watch
from study.execution.on_ray.watching.gpu_watch import GpuWatch
from study.execution.on_ray.worker_protocol import Broken
from study.journal.failure import Failure


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock, in seconds."""
    moment = [100.0]
    monkeypatch.setattr(gpu_watch, "time", SimpleNamespace(monotonic=lambda: moment[0]))
    return moment


def broken(gpu: str = "0", kind: str = "device") -> Broken:
    return Broken(Failure(kind, "GPU is lost"), host="here", node="1", gpu=gpu)  # type: ignore[arg-type]


def fail(watch: GpuWatch, now: list[float], message: Broken) -> bool:
    """One more attempt, which takes a second to fail."""
    began = now[0]
    now[0] += 1
    return watch.is_out_of_order(message, began)


def test_five_failures_in_a_row_put_a_gpu_out_of_order_and_an_epoch_between_them_does_not(
    now: list[float],
) -> None:
    said: list[str] = []
    watch = GpuWatch("study resume mine", said.append)
    assert [fail(watch, now, broken()) for _ in range(4)] == [False] * 4
    watch.note_epoch("1", "0")
    assert [fail(watch, now, broken()) for _ in range(5)] == [False] * 4 + [True]
    assert not fail(watch, now, broken(gpu="1"))
    assert said == [
        "GPU 0 of here gets no more trials, as it fails them again and again: GPU is lost"
    ]


def test_neighbors_that_fail_at_once_are_one_failure(now: list[float]) -> None:
    watch = GpuWatch("study resume mine", lambda line: None)
    began = now[0]
    now[0] += 1
    assert not any(watch.is_out_of_order(broken(), began) for _ in range(8))


def test_a_failure_of_the_trials_own_says_nothing_of_its_gpu(now: list[float]) -> None:
    watch = GpuWatch("study resume mine", lambda line: None)
    assert not any(fail(watch, now, broken(kind="error")) for _ in range(8))


def test_the_study_ends_where_all_gpus_are_out_of_order_for_a_while(now: list[float]) -> None:
    watch = GpuWatch("study resume mine", lambda line: None)
    watch.check(is_any_held=True, is_any_at_work=True)
    now[0] += 1000
    watch.check(is_any_held=True, is_any_at_work=True)
    now[0] += 59
    watch.check(is_any_held=True, is_any_at_work=False)
    now[0] += 2
    with pytest.raises(RayFault, match="study resume mine"):
        watch.check(is_any_held=True, is_any_at_work=False)
    watch.check(is_any_held=False, is_any_at_work=False)
