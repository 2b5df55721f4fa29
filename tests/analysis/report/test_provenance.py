from __future__ import annotations

import hashlib
import json
from typing import Any

from analysis.report.provenance import images_table, sessions_table
from analysis.results import load

from ..conftest import sgd


def test_each_session_says_who_drove_the_study_with_which_code(mixed: Any) -> None:
    table = sessions_table(load(mixed.paths).study)
    rows = table.frame().to_dict("records")
    assert [row["session"] for row in rows] == [0, 1]
    assert [row["ended by"] for row in rows] == ["interrupted", "complete"]
    assert {row["host"] for row in rows} == {"here"}
    assert rows[0]["packages"] == "ray-study 0.1.0, torch 2.13.0"
    assert "5398031b0c2d" in rows[0]["code"]
    digest = hashlib.sha256(mixed.paths.spec.read_bytes()).hexdigest()
    assert table.notes == (f"Study file version 1, SHA-256 {digest[:16]}…",)


def test_each_set_of_images_is_there_with_its_classes_by_name(make: Any) -> None:
    study = make()
    for seed, (path, names) in enumerate(
        [("photos", ["ant", "<bee>"]), ("photos", ["ant", "<bee>"])]
    ):
        trial = study.start(study.point(sgd(0.1, 0.9)), 0)
        study.report(trial, 1, 0.9)
        counts = f"train 24, validation 10, test 0, seed {seed}"
        study.finish(
            trial,
            data_fingerprint=f"{path}0123, {counts}",
            class_names=json.dumps(names),
            left_out_files=3,
        )
    table = images_table(load(study.paths))
    (row,) = table.frame().to_dict("records")
    assert row["data"] == "digits"
    assert (row["train images"], row["validation images"], row["test images"]) == (24, 10, 0)
    assert (row["left out"], row["classes"], row["class names"]) == (3, 2, "ant, <bee>")
    assert "ant, &lt;bee&gt;" in table.html("images")


def test_of_very_many_classes_the_first_are_named(make: Any) -> None:
    study = make()
    trial = study.start(study.point(sgd(0.1, 0.9)), 0)
    study.report(trial, 1, 0.9)
    names = [f"c{number}" for number in range(100)]
    fingerprint = "0123, train 9, validation 1, test 0, seed 0"
    study.finish(trial, data_fingerprint=fingerprint, class_names=json.dumps(names))
    (row,) = images_table(load(study.paths)).frame().to_dict("records")
    assert row["class names"].endswith("c18, c19, …")
    assert row["classes"] == "at least 100"


def test_trainings_that_say_nothing_of_images_have_no_row(mixed: Any) -> None:
    assert not images_table(load(mixed.paths)).rows
