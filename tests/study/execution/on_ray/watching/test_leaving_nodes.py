"""Which nodes leave, and whether something can still be ended there."""

from __future__ import annotations

import math

import pytest

from study.execution.on_ray.watching.leaving_nodes import LeavingNodes


class FakeRay:
    """Tells of nodes as the test likes."""

    def __init__(self) -> None:
        self.draining: dict[str, float] = {}
        self.gone: set[str] = set()
        self.now = 1000.0

    def leaving(self) -> LeavingNodes:
        return LeavingNodes(lambda: self.draining, lambda: self.gone, lambda: self.now)


def test_a_node_that_was_told_to_go_is_known_when_it_is_gone() -> None:
    ray = FakeRay()
    leaving = ray.leaving()
    leaving.look()
    assert not leaving.nodes
    ray.draining = {"a": 1030.0, "b": math.inf}
    leaving.look()
    ray.draining = {}
    leaving.look()
    assert leaving.nodes == {"a", "b"}
    assert leaving.left_s("a") == 30
    assert leaving.left_s("b") == math.inf
    assert leaving.was_told("a")
    assert not leaving.was_told("c")
    ray.gone = {"c"}
    assert leaving.was_told("c"), "as when a raylet gets a SIGTERM itself"
    assert not leaving.was_told(""), "nobody knows where that one was"


@pytest.mark.parametrize(
    ("began_at", "needs_s", "is_too_late"),
    [
        (None, None, False),
        (995.0, 20.0, False),
        (995.0, 40.0, False),  # it might just do
        (995.0, 60.0, True),
        (995.0, math.inf, True),
    ],
)
def test_what_would_surely_end_too_late_is_known_at_once(
    began_at: float | None, needs_s: float | None, is_too_late: bool
) -> None:
    ray = FakeRay()
    ray.draining = {"a": 1030.0, "patient": math.inf}
    leaving = ray.leaving()
    leaving.look()
    assert leaving.is_too_late("a", began_at, needs_s) is is_too_late
    assert not leaving.is_too_late("patient", began_at, 1e9)
    ray.now = 1028.0
    assert leaving.is_too_late("a", began_at, needs_s), "at the last moment everything is"


def test_without_ray_nothing_leaves() -> None:
    leaving = LeavingNodes()
    leaving.look()
    assert not leaving.nodes
    assert not leaving.was_told("a")
