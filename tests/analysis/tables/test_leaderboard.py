"""Which point ranks where, and what the leaderboard says of its seeds."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.rendering import Table
from analysis.results import Results
from analysis.selection.ranking import best_row, ranked_points, tied_with_best
from analysis.tables.points.leaderboard import leaderboard_table
from study.journal.ranking import best_point

from ..coverage.scenarios import column
from ..coverage.worlds import World, lr, spec_of


def rows(shown: Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(column(shown, name) for name in names), strict=True))


def values(shown: Table, name: str) -> list[float | None]:
    return [None if cell is None else round(cell.value, 4) for cell in column(shown, name)]


def confirmed_study() -> Results:
    """Point 1 is the search's best, point 2 that of fresh seeds, point 0 the baseline; point 3 was
    never confirmed.
    """
    first = [{"set": {"optimizer": {"name": "sgd", "lr": 0.1}}}]
    world = World(
        spec_of(
            replicates=2, confirm={"top": 2, "replicates": 2, "against": "first[0]"}, first=first
        )
    )
    world.whole(lr(0.1), [0.80, 0.82], entry=0)
    world.whole(lr(0.2), [0.95, 0.97])
    world.whole(lr(0.3), [0.90, 0.94])
    world.whole(lr(0.4), [0.91, 0.89])
    world.confirm(1, [0.90, 0.88])
    world.confirm(2, [0.93, 0.92])
    world.confirm(0, [0.80, 0.81])
    return world.results


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


def test_equal_points_tie_and_the_lowest_number_counts_as_best() -> None:
    world = World(spec_of(replicates=2))
    for rate in (0.1, 0.2, 0.3, 0.4):
        world.whole(lr(rate), [0.9, 0.94] if rate != 0.2 else [0.8, 0.81])
    results = world.results
    shown = leaderboard_table(results)
    assert rows(shown, "rank", "point") == [(1, 0), (1, 2), (1, 3), (4, 1)]
    assert tied_with_best(results) == [0, 2, 3]
    assert any("Points 0, 2 and 3 tie" in note for note in shown.notes)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_the_tables_the_results_and_the_study_name_one_best_point(direction: str) -> None:
    world = World(
        spec_of(replicates=2, objective={"metric": "val_accuracy", "direction": direction})
    )
    for rate, height in ((0.1, 0.9), (0.2, 0.7), (0.3, 0.95), (0.4, 0.7), (0.5, 0.95)):
        world.whole(lr(rate), [height, height])
    results = world.results
    found = best_point(results.studies[0].history.points, world.spec, whole_seeds=True)
    assert found is not None
    assert found.number == (2 if direction == "maximize" else 1)
    assert results.best()["point"] == column(leaderboard_table(results), "point")[0] == found.number


def test_several_studies_rank_together_confirmed_points_first() -> None:
    other = World(spec_of(study="other"))
    other.whole(lr(0.5), [0.99])
    other.whole(lr(0.6), [0.90])
    together = Results((*confirmed_study().studies, *other.results.studies))
    found = ranked_points(together)
    assert list(zip(found["study"], found["point"], found["rank"], strict=True)) == [
        ("world", 2, 1),
        ("world", 1, 2),
        ("world", 0, 3),
        ("other", 0, 4),
        ("other", 1, 5),
        ("world", 3, 5),
    ]


def test_a_study_without_a_value_has_no_best_point() -> None:
    world = World(spec_of())
    world.point(lr(0.1))
    assert best_row(world.results) is None
    with pytest.raises(LookupError, match="no point is complete"):
        world.results.best()
