from __future__ import annotations

from typing import Any

import pandas as pd

from analysis.report.summary import answer_sentences
from analysis.results import load
from analysis.tables.points.leaderboard import leaderboard_table
from analysis.tables.warnings import warning_texts

from ..coverage.scenarios import column
from ..coverage.worlds import World, lr, spec_of
from .settings.test_effects import method_study


def test_a_confirmation_that_is_not_finished_is_warned_of() -> None:
    world = method_study(4, 3)
    world.confirm(6, [0.61, 0.62, 0.66])
    world.trial(7, 1000, [0.7], kind="confirm")
    results = world.results
    assert any("2 fresh seeds to come" in text for text in warning_texts(results))
    shown = leaderboard_table(results)
    assert set(column(shown, "ranked by")) == {None}, (
        "the search's order stands until all are confirmed"
    )
    assert results.best()["point"] == 7
    assert "0.6300" in shown.text(), "what is known of fresh seeds stands beside"
    assert any("confirmation is not over" in note for note in shown.notes)


ADAM = {"optimizer.name": "adam", "optimizer.lr": 1e-3}


def test_a_best_value_at_the_edge_is_warned_of(make: Any) -> None:
    study = make()
    for rate in (0.99, 0.5, 0.1):
        values = {
            "optimizer.name": "sgd",
            "optimizer.lr": rate,
            "optimizer.momentum": 0.5,
            "accumulation": 1,
        }
        study.complete_point(values, [rate * 0.9, rate * 0.9])
    found = warning_texts(load(study.paths))
    assert any("optimizer.lr = 0.99 lies at the high end" in text for text in found)
    assert not any("momentum = 0.5" in text for text in found)


def test_the_careful_statisticians_warnings(mixed: Any, make: Any) -> None:
    found = " ".join(warning_texts(load(mixed.paths)))
    assert "not finished: 6 of 40" in found
    assert "Only 2 complete points have optimizer.name = sgd" in found
    single = make(name="single", replicates=1)
    trials = [single.start(single.point({**ADAM, "accumulation": 1}), 0) for _ in range(4)]
    for trial in trials:
        single.report(trial, 3, 0.5)
        single.finish(trial)
    found = " ".join(warning_texts(load(single.paths)))
    assert "One seed a point" in found
    assert "shared their device" in found


def test_rows_of_two_trainings_that_differ_are_warned_of(make: Any) -> None:
    study = make()
    for _ in range(2):
        trial = study.start(study.point({**ADAM, "accumulation": 1}), 0)
        study.report(trial, 3, 0.5)
    study.add(event="repeated", trial=1, attempt=1, epoch=2, metrics={"val_accuracy": 0.4})
    study.finish(trial)
    results = load(study.paths)
    assert results.trials["rows_differ_at"].tolist() == [pd.NA, 2]
    (text,) = [text for text in warning_texts(results) if "came out otherwise" in text]
    assert text.startswith("1 trial (1) came out otherwise where epochs were trained once more")


def test_statistics_that_lag_are_warned_of(make: Any) -> None:
    study = make()
    for fresh in (0.52, 0.75):
        trial = study.start(study.point({**ADAM, "accumulation": 1}), 0)
        study.report(trial, 3, 0.5, fresh_statistics_accuracy=fresh)
        study.finish(trial)
    (text,) = [text for text in warning_texts(load(study.paths)) if "lagged" in text]
    assert text.startswith("In 1 trial the running statistics of batch norm lagged")
    assert "trial 1 was validated at 0.5 after epoch 3, and would have been at 0.75" in text


def test_images_that_changed_between_trials_are_warned_of(make: Any) -> None:
    study = make()
    for hash_of_images in ("abc", "abc", "def"):
        point = study.point({**ADAM, "accumulation": 1})
        trial = study.start(point, 0)
        study.report(trial, 3, 0.5)
        study.finish(trial, data_fingerprint=f"{hash_of_images}, train 10, seed 0")
    found = warning_texts(load(study.paths))
    assert any("its trials had 2 different ones" in text for text in found)


def test_a_dropped_point_is_none_that_is_still_to_come() -> None:
    world = World(spec_of(points=3, confirm={"top": 1, "replicates": 3}))
    for number in range(3):
        world.whole(lr(0.1 + 0.1 * number), [0.8 + 0.01 * number])
    before = warning_texts(world.results)
    world.drop(0)
    after = warning_texts(world.results)
    assert [text for text in after if "finished" in text] == [
        text for text in before if "finished" in text
    ]
    assert any("The confirmation is not finished: 3 fresh seeds to come." in text for text in after)


def test_the_effort_is_told_of_all_that_was_run() -> None:
    world = World(spec_of(points=2))
    for number in range(2):
        world.whole(lr(0.1 + 0.1 * number), [0.8 + 0.01 * number])
    world.drop(0)
    effort = answer_sentences(world.results)[-1]
    assert effort.startswith("2 points were proposed and 2 trials begun (2 COMPLETE)")
    assert effort.endswith("; 1 point of them dropped.")
