from __future__ import annotations

from typing import Any

import pytest

from analysis.report.report import write_report
from analysis.results import Results, load
from analysis.sql import query_sql
from analysis.tables.effort.cost import cost_table, total_hours
from analysis.tables.kinds import KINDS
from study.errors import UserError
from study.results.parquet import write_tables


@pytest.fixture
def two(mixed: Any, make: Any) -> Results:
    other = make(name="other")
    other.complete_point({"optimizer.name": "adam", "optimizer.lr": 1e-3}, [0.5])
    return load([mixed.paths, other.paths])


def test_the_frames_hold_all_studies_and_one_alone_can_be_taken_out(two: Results) -> None:
    assert dict(two.points["study"].value_counts()) == {"digits-momentum": 6, "other": 1}
    assert set(two.only("other").trials["study"]) == {"other"}
    assert two.only("other").study.name == "other"


def test_what_needs_one_study_is_refused_for_two(two: Results) -> None:
    with pytest.raises(UserError, match="2 are loaded"):
        _ = two.study


def test_the_epochs_at_an_epoch_carry_their_trials_columns(mixed: Any) -> None:
    rows = load(mixed.paths).at_epoch(1, 3)
    assert set(rows["epoch"]) == {1, 3}
    assert rows["state"].notna().all()
    assert rows["optimizer.name"].notna().all()
    assert not any(name.endswith("_trial") for name in rows.columns)


def test_a_result_says_in_a_line_what_it_holds(two: Results) -> None:
    assert repr(two).startswith("<Results of digits-momentum, other: 7 points, ")


def test_a_point_that_was_dropped_is_in_no_frame_table_or_query(mixed: Any) -> None:
    before = load(mixed.paths)
    points = before.points
    best = int(points.loc[points["rank"] == 1, "point"].item())
    mixed.add(event="dropped", point=best)
    after = load(mixed.paths)
    for frame in (after.points, after.trials, after.epochs):
        assert best not in set(frame["point"])
    assert len(after.points) == len(points) - 1
    assert after.points.loc[after.points["rank"] == 1, "point"].item() != best
    assert best not in query_sql("select point from trials", after)["point"].to_pylist()
    shown = after.leaderboard()
    assert best not in [row[1] for row in shown.rows]
    assert f"Dropped by hand, and not counted: {best}." in shown.notes
    assert write_report(mixed.paths).exists()


def test_what_was_dropped_stays_on_record_and_in_the_cost(mixed: Any) -> None:
    whole = load(mixed.paths)
    trials, hours = whole.trials, total_hours(whole)
    mixed.add(event="dropped", point=0)
    mixed.add(event="dropped", point=1)
    for _ in range(2):  # from the journal, and from Parquet
        results = load(mixed.paths)
        assert results.dropped == ["0", "1"]
        everything = results.with_dropped()
        assert len(everything.trials) == len(trials)
        assert set(everything.points.loc[everything.points["dropped"], "point"]) == {0, 1}
        assert everything.points.loc[everything.points["dropped"], "value"].isna().all()
        assert total_hours(results) == hours
        parts = {row[0]: row[1] for row in cost_table(results).rows}
        assert parts["dropped"] == len(trials[trials["point"] < 2])
        write_tables(mixed.paths)
    other_names = [kind for kind in KINDS if kind not in ("leaderboard", "cost")]
    for kind in other_names:
        assert results.table(kind).title


def test_of_several_studies_a_dropped_point_is_told_with_its_study(
    mixed: Any, two: Results
) -> None:
    mixed.add(event="dropped", point=3)
    assert load([study.paths for study in two.studies]).dropped == ["digits-momentum 3"]
