"""The virtual clock against schedules worked out by hand."""

from __future__ import annotations

from study.sampling.virtual_clock import Extent, VirtualClock


def clock_of(workers: int, extents: dict[int, Extent]) -> VirtualClock:
    return VirtualClock(workers, lambda number: extents[number])


def test_points_begin_when_an_ideal_worker_is_free() -> None:
    extents = {
        0: Extent(3, True, 2.0),
        1: Extent(2, True, 1.0),
        2: Extent(5, True, 1.0),
        3: Extent(1, True, 9.0),
    }
    clock = clock_of(2, extents)
    assert [clock.start_of(number) for number in range(5)] == [0.0, 0.0, 2.0, 6.0, 7.0]


def test_a_start_is_undetermined_while_a_worker_that_may_be_first_is_not_settled() -> None:
    extents = {0: Extent(3, True, 1.0), 1: Extent(2, False, 1.0)}
    clock = clock_of(2, extents)
    assert clock.start_of(1) == 0.0
    assert clock.start_of(2) is None
    extents[1] = Extent(3, False, 1.0)
    assert clock.start_of(2) == 3.0  # point 1 goes on past that moment, however long


def test_epochs_are_counted_up_to_a_moment() -> None:
    extents = {0: Extent(4, True, 0.5), 1: Extent(4, False, 1.0)}
    clock = clock_of(1, extents)
    clock.start_of(1)
    assert [clock.epochs_by(0, moment) for moment in (0.0, 0.49, 0.5, 1.75, 2.0)] == [0, 0, 1, 3, 4]
    assert clock.has_ended_by(0, 2.0)
    assert not clock.has_ended_by(0, 1.9)
    assert not clock.has_ended_by(1, 100.0)
