from __future__ import annotations

from typing import Any

import pytest

from analysis.rendering import Table
from analysis.results import Results
from analysis.selection.ranking import best_row, ranked_points, tied_with_best
from analysis.tables.points.leaderboard import leaderboard_table
from study.journal.ranking import best_point

from ..coverage.scenarios import column
from ..coverage.worlds import World, confirmed_study, lr, spec_of


def rows(shown: Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(column(shown, name) for name in names), strict=True))


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
