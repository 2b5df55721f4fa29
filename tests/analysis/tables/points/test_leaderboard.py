"""Which point ranks where, and what the leaderboard says of its seeds."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.rendering import Table
from analysis.results import Results, load
from analysis.statistics import Difference, Estimate
from analysis.tables.points.leaderboard import leaderboard_table

from ...coverage.scenarios import column
from ...coverage.worlds import World, confirmed_study, lr, spec_of


def rows(shown: Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(column(shown, name) for name in names), strict=True))


def values(shown: Table, name: str) -> list[float | None]:
    return [None if cell is None else round(cell.value, 4) for cell in column(shown, name)]


def test_confirmed_points_rank_first_by_their_fresh_seeds_and_the_others_are_marked() -> None:
    shown = leaderboard_table(confirmed_study())
    assert rows(shown, "rank", "point", "ranked by") == [
        (1, 2, "fresh seeds"),
        (2, 1, "fresh seeds"),
        (3, 0, "fresh seeds"),
        (4, 3, "search"),
    ]
    assert values(shown, "val_accuracy on fresh seeds") == [0.925, 0.89, 0.805, None]
    assert values(shown, "val_accuracy") == [0.92, 0.96, 0.81, 0.9]


def test_a_confirmed_baseline_may_win() -> None:
    first = [{"set": {"optimizer": {"name": "sgd", "lr": 0.1}}}]
    world = World(spec_of(confirm={"top": 1, "replicates": 2, "against": "first[0]"}, first=first))
    world.whole(lr(0.1), [0.90], entry=0)
    world.whole(lr(0.2), [0.95])
    world.confirm(1, [0.85, 0.86])
    world.confirm(0, [0.90, 0.91])
    assert world.results.best()["point"] == 0


def test_a_point_that_lost_a_fresh_seed_is_not_confirmed() -> None:
    world = World(spec_of(confirm={"top": 2, "replicates": 2}))
    world.whole(lr(0.1), [0.95])
    world.whole(lr(0.2), [0.90])
    world.trial(0, 1000, [0.99], kind="confirm")
    world.trial(0, 1001, [0.5], state="FAIL", kind="confirm")
    world.confirm(1, [0.90, 0.91])
    assert column(leaderboard_table(world.results), "point") == [1, 0]


def test_a_point_that_was_raced_out_ranks_below_those_with_all_their_seeds() -> None:
    world = World(spec_of(replicates=3, racing={"threshold": 0.05}))
    world.whole(lr(0.1), [0.99])
    world.whole(lr(0.2), [0.90, 0.91, 0.92])
    shown = leaderboard_table(world.results)
    assert rows(shown, "point", "ranked by", "seeds", "other seeds") == [
        (1, "search", 3, None),
        (0, "fewer seeds", 1, "2 raced out, of 3"),
    ]


def test_points_without_a_value_do_not_rank_and_seeds_that_failed_count_for_nothing() -> None:
    world = World(spec_of(replicates=2))
    world.whole(lr(0.1), [0.9, 0.91])
    point = world.point(lr(0.2))
    world.trial(point, 0, [0.99])
    world.trial(point, 1, [0.1], state="FAIL")
    world.tell(point, "FAIL")
    point = world.point(lr(0.3))
    world.trial(point, 0, [0.95], state="PRUNED")
    world.tell(point, "PRUNED")
    results = world.results
    assert column(leaderboard_table(results), "point") == [0]
    assert "Points that are not ranked: 1 PRUNED, 1 FAIL." in leaderboard_table(results).notes
    failed = results.points.iloc[1]
    assert (failed["complete"], failed["failed"], failed["seeds"]) == (1, 1, 0)
    assert list(results.trials["counted"]) == [True, True, False, False, False]


def value(cell: Estimate | Difference) -> float:
    return cell.estimate.value if isinstance(cell, Difference) else cell.value


@pytest.fixture
def results(mixed: Any) -> Results:
    return load(mixed.paths)


def test_leaderboard_ranks_points_by_the_mean_over_seeds(results: Results) -> None:
    shown = leaderboard_table(results)
    assert column(shown, "point") == [1, 0, 5, 2]
    assert [value(cell) for cell in column(shown, "val_accuracy")] == pytest.approx(
        [0.96, 0.91, 0.85, 0.845]
    )
    assert column(shown, "seeds") == [2, 2, 2, 2]
    assert "1 PRUNED, 1 FAIL" in shown.notes[0]


def test_two_objectives_are_ranked_by_the_first_and_shown_with_both(make: Any) -> None:
    study = make(spec=TWO)
    for point, (accumulation, accuracy) in enumerate(((1, 0.9), (2, 0.8))):
        study.complete_point({"accumulation": accumulation}, [accuracy])
        study.tell(point, "COMPLETE", [accuracy, 7.5])
    results = load(study.paths)
    shown = leaderboard_table(results)
    assert [value(cell) for cell in column(shown, "val_accuracy")] == [0.9, 0.8]
    assert [value(cell) for cell in column(shown, "total_seconds")] == [7.5, 7.5]
    assert list(results.trials["value_2"]) == [7.5, 7.5]
    assert list(results.points["value_2"]) == [7.5, 7.5]


TWO = """\
study: digits-momentum
objective: [{metric: val_accuracy, direction: maximize}, {metric: total_seconds, direction: minimize}]
points: 2
reproducible: false
recipe: {epochs: 3}
space: {accumulation: {choice: [1, 2]}}
sampler: nsga2
"""
