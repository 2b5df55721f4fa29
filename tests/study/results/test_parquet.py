from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Any

import duckdb
import pandas as pd
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

from analysis.results import Results, load
from study.files.layout import StudyPaths
from study.files.object_storage import ObjectPath
from study.journal.journal import Journal, read_records
from study.journal.replay import read_history
from study.results import parquet
from study.results.parquet import are_whole, part_path, read_tables, write_tables


def same(left: Results, right: Results) -> None:
    for name in ("points", "trials", "epochs"):
        pd.testing.assert_frame_equal(getattr(left, name), getattr(right, name))


def test_parquet_holds_what_the_journal_says(mixed: Any) -> None:
    from_journal = load(mixed.paths)
    assert len(from_journal.trials) == 11
    write_tables(mixed.paths)
    assert read_tables(mixed.paths) is not None
    same(from_journal, load(mixed.paths))


def test_every_trial_is_present_with_its_state_and_failure(mixed: Any) -> None:
    trials = load(mixed.paths).trials.set_index("trial")
    assert trials["state"].value_counts().to_dict() == {"COMPLETE": 8, "PRUNED": 1, "FAIL": 2}
    assert list(trials["failure"].dropna()) == ["diverged", "out_of_memory"]
    assert trials.loc[6, "epochs"] == 1, "rows after a stop don't count"
    assert trials.loc[6, "stopped_by"] == "pruner"


def test_recipe_columns_are_null_where_a_branch_has_none(mixed: Any) -> None:
    trials = load(mixed.paths).trials
    is_adam = trials["optimizer.name"] == "adam"
    assert trials.loc[is_adam, "optimizer.momentum"].isna().all()
    assert trials.loc[~is_adam, "optimizer.momentum"].notna().all()
    assert (trials["micro_batch_size"] * trials["accumulation"] == trials["data.batch_size"]).all()
    assert (trials["recipe.epochs"] == 3).all()


def test_columns_have_one_type_in_every_study_and_none_is_null_typed(mixed: Any, make: Any) -> None:
    empty = make(name="empty")
    write_tables(mixed.paths)
    write_tables(empty.paths)
    for table in ("points.parquet", "trials.parquet", "epochs/part-00000.parquet"):
        full = pq.read_schema(mixed.paths.results / table)
        other = pq.read_schema(empty.paths.results / table)
        assert not any(str(field.type) == "null" for field in (*full, *other))
        assert all(full.field(field.name).type == field.type for field in other)


def test_each_column_says_its_meaning(mixed: Any) -> None:
    write_tables(mixed.paths)
    schema = pq.read_schema(mixed.paths.trials_table)
    assert schema.metadata[b"schema_version"] == b"1"
    assert all(field.metadata[b"meaning"] for field in schema)
    assert schema.field("total_seconds").metadata[b"unit"] == b"s"


def test_studies_read_as_one_data_set_for_pyarrow_pandas_and_duckdb(mixed: Any, make: Any) -> None:
    other = make(name="other")
    other.complete_point({"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}, [0.5])
    write_tables(mixed.paths)
    write_tables(other.paths)
    files = sorted(mixed.paths.storage.glob("*/results/trials.parquet"))
    assert pyarrow.dataset.dataset([str(file) for file in files]).count_rows() == 12
    assert len(pd.read_parquet([str(file) for file in files])) == 12
    pattern = f"{mixed.paths.storage}/*/results/trials.parquet"
    assert duckdb.sql(f"select count(*), count(distinct study) from '{pattern}'").fetchall() == [
        (12, 2)
    ]


def test_files_are_private(mixed: Any) -> None:
    write_tables(mixed.paths)
    found = [mixed.paths.results, *mixed.paths.results.rglob("*")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in found if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_only_parts_whose_trials_moved_are_written_again(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "PART_TRIALS", 2)
    study = make()
    values = {"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}
    study.complete_point(values, [0.5, 0.6])
    write_tables(study.paths)
    first = part_path(study.paths, 0)
    before = first.stat().st_ino
    study.complete_point(values, [0.7, 0.8])
    write_tables(study.paths)
    assert first.stat().st_ino == before
    assert len(load(study.paths).epochs) == 12


def test_a_running_study_is_read_from_the_journal_until_it_is_collected_again(make: Any) -> None:
    study = make()
    trial = study.start(
        study.point({"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}), 0
    )
    study.report(trial, 1, 0.4)
    write_tables(study.paths)
    study.report(trial, 2, 0.6)
    assert read_tables(study.paths) is None
    running = load(study.paths)
    assert list(running.epochs["val_accuracy"]) == [0.4, 0.6]
    assert list(running.trials["state"]) == ["RUNNING"]
    assert running.trials["val_accuracy_last"].item() == 0.6


def test_rows_cut_by_a_late_stop_leave_the_parts(make: Any) -> None:
    study = make()
    trial = study.start(
        study.point({"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}), 0
    )
    study.report(trial, 1, 0.4)
    study.report(trial, 2, 0.6)
    write_tables(study.paths)
    study.prune(trial, 1)
    write_tables(study.paths)
    assert list(load(study.paths).epochs["epoch"]) == [1]


def test_results_can_be_deleted_and_rebuilt(mixed: Any) -> None:
    write_tables(mixed.paths)
    before = load(mixed.paths)
    assert len(before.trials)
    _ = before.points, before.epochs
    for path in mixed.paths.results.rglob("*"):
        if path.is_file():
            path.unlink()
    write_tables(mixed.paths)
    same(before, load(mixed.paths))


def test_tables_written_before_a_column_came_are_not_believed(
    mixed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(mixed.paths)
    monkeypatch.setattr(parquet, "columns_fingerprint", lambda: "another")
    assert read_tables(mixed.paths) is None


def test_a_damaged_table_is_not_believed(mixed: Any) -> None:
    write_tables(mixed.paths)
    size = mixed.paths.trials_table.stat().st_size
    os.truncate(mixed.paths.trials_table, size // 2)
    assert read_tables(mixed.paths) is None
    assert len(load(mixed.paths).trials) == 11


def test_work_done_again_after_an_interruption_is_counted(mixed: Any) -> None:
    trials = load(mixed.paths).trials.set_index("trial")
    assert trials.loc[9, "attempts"] == 2
    assert trials.loc[9, "repeated_seconds"] == 22, (
        "from the report of epoch 1 to the last sign of life"
    )
    assert trials.loc[9, "gpu_seconds"] == trials.loc[9, "wall_seconds"] / 2
    assert (trials["repeated_seconds"].drop([9, 10]) == 0).all()


def test_a_trial_says_under_what_it_ran(mixed: Any) -> None:
    trials = load(mixed.paths).trials
    assert set(trials["code_version"]) == {"0.1.0 5398031b0c2d, changed"}
    assert list(trials["session"])[-2:] == [1, 1]
    assert '"torch": "2.13.0"' in trials["packages"][0]


def test_trials_side_by_side_on_a_device_are_flagged(make: Any) -> None:
    study = make()
    point = study.point({"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1})
    trials = [study.start(point, replicate) for replicate in range(3)]
    for trial in trials:
        study.report(trial, 1, 0.5)
    assert list(load(study.paths).trials["device_shared"]) == [True, False, True]


def test_tables_are_no_fresher_than_the_history_they_were_made_of(mixed: Any) -> None:
    """As of a driver that was superseded, and has not noticed it yet."""
    earlier = read_history(mixed.paths.journal)
    mixed.close(reason="interrupted")
    mixed.open(session=1)
    assert mixed.paths.journal.stat().st_size > earlier.journal_bytes > 0
    assert write_tables(mixed.paths, history=earlier)
    assert read_tables(mixed.paths) is None
    assert write_tables(mixed.paths)
    assert read_tables(mixed.paths) is not None


def test_fresher_tables_are_not_replaced(mixed: Any) -> None:
    """By a driver that stood still while another one brought the study to its end."""
    earlier = read_history(mixed.paths.journal)
    mixed.close(reason="interrupted")
    write_tables(mixed.paths)
    fresh = {path: path.read_bytes() for path in mixed.paths.results.rglob("*.parquet")}
    assert not write_tables(mixed.paths, history=earlier)
    assert read_tables(mixed.paths) is not None
    assert {path: path.read_bytes() for path in fresh} == fresh


def test_a_driver_that_stands_still_at_any_write_replaces_no_fresher_table(
    mixed: Any, bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long ago it has looked: another driver writes all tables between look and write."""
    paths = StudyPaths(bucket, mixed.paths.name)
    spec = mixed.paths.spec.read_bytes()
    paths.spec.write_whole(spec)
    records = read_records(mixed.paths.journal)
    journal = Journal.create(paths.journal)
    journal.append(*records[:-3])
    earlier = read_history(paths.journal)
    journal.append(*records[-3:])
    tables = ("part-00000.parquet", "points.parquet", "trials.parquet")
    write_unless = ObjectPath.write_unless
    for stands_still_at in tables:
        paths.results.remove_tree()
        write_tables(paths, history=earlier)
        for table in (paths.points_table, part_path(paths, 0)):
            table.unlink()  # so that each is written, whatever has changed

        def stand_still(
            path: ObjectPath,
            content: bytes,
            is_newer: Callable[[bytes], bool],
            table: str = stands_still_at,
        ) -> bool:
            if path.name != table:
                return write_unless(path, content, is_newer)
            monkeypatch.setattr(ObjectPath, "write_unless", write_unless)
            read = ObjectPath._read_to_replace

            def read_and_stand_still(path: ObjectPath) -> Any:
                found = read(path)
                monkeypatch.setattr(ObjectPath, "_read_to_replace", read)
                write_tables(paths)
                return found

            monkeypatch.setattr(ObjectPath, "_read_to_replace", read_and_stand_still)
            return write_unless(path, content, is_newer)

        monkeypatch.setattr(ObjectPath, "write_unless", stand_still)
        assert not write_tables(paths, history=earlier), stands_still_at
        assert read_tables(paths) is not None, stands_still_at


def test_tables_that_were_not_written_together_are_not_believed(mixed: Any) -> None:
    write_tables(mixed.paths)
    points, part = mixed.paths.points_table, part_path(mixed.paths, 0)
    earlier = {path: path.read_bytes() for path in (points, part)}
    trial = mixed.start(mixed.point({"optimizer.name": "adam", "optimizer.lr": 0.1}), 0)
    mixed.report(trial, 1, 0.4)
    write_tables(mixed.paths)
    for path, content in earlier.items():
        fresh = path.read_bytes()
        assert fresh != content
        path.write_bytes(content)
        assert read_tables(mixed.paths) is None, path
        path.write_bytes(fresh)
    assert read_tables(mixed.paths) is not None


def test_tables_of_records_that_were_lost_are_replaced(mixed: Any) -> None:
    whole = mixed.paths.journal.read_bytes()
    write_tables(mixed.paths)
    kept = whole[: whole.rfind(b"\n", 0, -1) + 1]
    mixed.paths.journal.write_bytes(kept)
    assert write_tables(mixed.paths)
    assert read_tables(mixed.paths) is not None


def test_a_flipped_bit_in_a_table_is_found(mixed: Any) -> None:
    write_tables(mixed.paths)
    path = mixed.paths.points_table
    content = bytearray(path.read_bytes())
    footer_bytes = int.from_bytes(content[-8:-4], "little")
    data_bytes = len(content) - footer_bytes - 8
    whole = read_tables(mixed.paths)
    assert whole is not None
    for at in range(4, data_bytes, max(1, data_bytes // 60)):
        bent = bytearray(content)
        bent[at] ^= 0x10
        path.write_bytes(bytes(bent))
        found = read_tables(mixed.paths)
        assert found is None or found.points.equals(whole.points), at


def test_what_is_whole_is_what_would_be_read(mixed: Any) -> None:
    assert not are_whole(mixed.paths)
    write_tables(mixed.paths)
    assert are_whole(mixed.paths)
    for path in (mixed.paths.points_table, mixed.paths.trials_table, part_path(mixed.paths, 0)):
        whole = path.read_bytes()
        bent = bytearray(whole)
        bent[100] ^= 0x10
        for damaged in (whole[: len(whole) // 2], bytes(bent)):
            path.write_bytes(damaged)
            assert not are_whole(mixed.paths), path
            assert read_tables(mixed.paths) is None, path
        path.unlink()
        assert not are_whole(mixed.paths), path
        path.write_bytes(whole)
    assert are_whole(mixed.paths)
    mixed.start(mixed.point({"optimizer.name": "adam", "optimizer.lr": 0.1}), 0)
    assert not are_whole(mixed.paths)


def test_tables_larger_than_the_journal_can_have_given_are_not_believed(mixed: Any) -> None:
    write_tables(mixed.paths)
    path = mixed.paths.points_table
    table = pq.read_table(path)
    pq.write_table(pyarrow.concat_tables([table] * 10_000), path, compression="zstd")
    assert path.stat().st_size < 100 * mixed.paths.journal.stat().st_size
    assert read_tables(mixed.paths) is None
