from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from analysis import statistics
from analysis.rendering import FORMS, Table
from analysis.results import Results, load
from analysis.statistics import Estimate
from analysis.tables.published.published import published_table

ADAM = {"optimizer.name": "adam", "optimizer.lr": 1e-3, "accumulation": 1}


LEAST = """\
study: digits-momentum
points: 2
recipe: {epochs: 3}
space: {accumulation: {choice: [1, 2]}}
first: [{set: {accumulation: 1}, published: [{epoch: 1, val_accuracy: THEIRS, seconds: SECONDS}]}]
"""


def column(shown: Table, name: str) -> list[Any]:
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def seeds(
    study: Any, accuracies: Sequence[float], seconds: Sequence[float] = (), told: bool = True
) -> int:
    """The first point with a seed of one epoch for each accuracy."""
    point = int(study.point({"accumulation": 1}, origin="first", entry=0))
    for replicate, accuracy in enumerate(accuracies):
        trial = study.start(point, replicate)
        study.report(trial, 1, accuracy, **({"seconds": seconds[replicate]} if seconds else {}))
        study.finish(trial)
    if told:
        study.tell(point, "COMPLETE", float(np.mean(accuracies)))
    return point


def made(
    make: Any,
    theirs: float,
    accuracies: Sequence[float],
    seconds: Sequence[float] = (),
    **names: Any,
) -> Results:
    study = make(spec=LEAST.replace("THEIRS", repr(theirs)).replace("SECONDS", "40"), **names)
    seeds(study, accuracies, seconds)
    return load(study.paths)


def test_published_rows_stand_beside_ours(mixed: Any) -> None:
    shown = published_table(load(mixed.paths))
    assert column(shown, "published") == [0.5, 0.9]
    assert column(shown, "ours")[1].value == pytest.approx(0.90), "the test accuracy at the end"
    ratios = column(shown, "ratio of seconds")
    assert [ratio.value for ratio in ratios] == [pytest.approx(5.5 / 10), pytest.approx(7.5 / 40)]
    assert column(shown, "note")[1] == "one seed"
    assert any(note.startswith("first 0: ") for note in shown.notes), (
        "what the published rows were trained with"
    )
    assert any("of one run, as noisy as ours" in note for note in shown.notes)


def test_the_difference_has_the_publications_noise_in_its_interval(make: Any) -> None:
    shown = published_table(made(make, 0.80, [0.85, 0.86, 0.84], [30.0, 40.0, 50.0]))
    (found,) = column(shown, "difference")
    assert found == statistics.predicted_difference([0.85, 0.86, 0.84], 0.80)
    assert found.high - found.low == pytest.approx(2 * 4.302653 * 0.01 * math.sqrt(1 + 1 / 3))


def test_the_ratio_of_seconds_has_an_interval_on_a_logarithmic_scale(make: Any) -> None:
    (found,) = column(
        published_table(made(make, 0.8, [0.8, 0.9, 0.85], [30.0, 40.0, 50.0])), "ratio of seconds"
    )
    logs = statistics.predicted_difference(np.log([30.0, 40.0, 50.0]), math.log(40.0))
    assert found.value == pytest.approx((30 * 40 * 50) ** (1 / 3) / 40)
    assert (found.low, found.high) == (
        pytest.approx(math.exp(logs.low)),
        pytest.approx(math.exp(logs.high)),
    )
    assert found.low > 0


def test_one_seed_has_no_interval_and_shows_none(make: Any) -> None:
    shown = published_table(made(make, 0.8, [0.85], [30.0]))
    assert not column(shown, "difference")[0].known
    assert not column(shown, "ratio of seconds")[0].known
    for form in FORMS:
        assert "nan" not in shown.render(form).lower(), form


def test_a_point_with_a_value_is_shown_by_the_seeds_that_it_is_of(make: Any) -> None:
    study = make(spec=LEAST.replace("THEIRS", "0.8").replace("SECONDS", "40"))
    point = seeds(study, [0.85, 0.86])
    trial = study.start(point, 2)  # one more seed, still running, does not count yet
    study.report(trial, 1, 0.2)
    fresh = study.start(point, 3, kind="confirm")
    study.report(fresh, 1, 0.1)
    study.finish(fresh)
    shown = published_table(load(study.paths))
    assert column(shown, "seeds") == [2]
    assert column(shown, "ours")[0].value == pytest.approx(0.855)


def test_a_point_without_a_value_is_shown_by_the_seeds_there_are(make: Any) -> None:
    study = make(spec=LEAST.replace("THEIRS", "0.8").replace("SECONDS", "40"))
    point = seeds(study, [0.85], told=False)
    trial = study.start(point, 1)
    study.report(trial, 1, 0.2)
    study.fail(trial, "diverged", 1)
    study.tell(point, "FAIL", None)
    shown = published_table(load(study.paths))
    assert column(shown, "seeds") == [2]
    assert column(shown, "ours")[0].value == pytest.approx(0.525)


def test_a_test_accuracys_interval_is_over_seeds_and_images(make: Any) -> None:
    spec = LEAST.replace("val_accuracy: THEIRS", "test_accuracy: 0.9").replace("SECONDS", "40")
    study = make(spec=spec)
    point = study.point({"accumulation": 1}, origin="first", entry=0)
    for replicate, accuracy in enumerate((0.88, 0.90)):
        trial = study.start(point, replicate)
        study.report(trial, 1, 0.5, test_accuracy=accuracy)
        study.finish(trial, data_fingerprint="5bec: train 1000, val 200, test 360")
    study.tell(point, "COMPLETE", 0.5)
    (ours,) = column(published_table(load(study.paths)), "ours")
    assert ours == statistics.mean_accuracy([0.88, 0.90], 360)


def test_a_validation_figure_beside_a_published_test_figure_is_flagged(make: Any) -> None:
    study = make()
    point = study.point(ADAM, origin="first", entry=0)
    trial = study.start(point, 0)
    study.report(trial, 1, 0.4)
    shown = published_table(load(study.paths))
    notes = column(shown, "note")
    assert "not reached" in notes[1]
    assert "ours is val_accuracy" in notes[1]
    assert column(shown, "difference")[1:] == [None]


WORLDS = 1500


def world(count: int, seed: int) -> tuple[list[float], list[float], float, float]:
    """Accuracies and seconds of so many of our seeds, and the publication's: one more run of the
    same law.
    """
    random = np.random.default_rng(seed)
    accuracies = 0.9 + random.normal(0, 0.01, count + 1)
    seconds = 40 * np.exp(random.normal(0, 0.1, count + 1))
    return list(accuracies[1:]), list(seconds[1:]), float(accuracies[0]), float(seconds[0])


@pytest.mark.parametrize("count", [2, 3, 5, 10, 20])
def test_one_more_run_of_the_same_law_is_seldom_told_from_ours(count: int) -> None:
    found: list[Estimate] = []
    ratios: list[Estimate] = []
    for seed in range(WORLDS):
        accuracies, seconds, accuracy, theirs = world(count, seed)
        found.append(statistics.predicted_difference(accuracies, accuracy))
        ratios.append(statistics.predicted_difference(np.log(seconds), math.log(theirs)))
    shares = [float(np.mean([one.excludes_zero for one in sample])) for sample in (found, ratios)]
    assert max(shares) <= 0.07
    assert np.mean([one.known for one in found]) == 1


@pytest.mark.parametrize("count", [2, 5])
def test_the_table_prints_just_these_intervals(make: Any, count: int) -> None:
    for seed in range(3):
        accuracies, seconds, accuracy, _ = world(count, seed)
        shown = published_table(made(make, accuracy, accuracies, seconds, name=f"world-{seed}"))
        found = column(shown, "difference")[0]
        expected = statistics.predicted_difference(accuracies, accuracy)
        assert (found.value, found.low, found.high) == pytest.approx(
            (expected.value, expected.low, expected.high)
        )


def test_the_end_of_seeds_that_ended_at_different_epochs_is_each_ones_own(make: Any) -> None:
    at_the_end = LEAST.replace("epoch: 1, val_accuracy: THEIRS", "end: true, val_accuracy: 0.8")
    study = make(spec=at_the_end.replace("SECONDS", "40"))
    point = study.point({"accumulation": 1}, origin="first", entry=0)
    for replicate, rows in enumerate(([0.6, 0.7], [0.5, 0.8, 0.9])):
        trial = study.start(point, replicate)
        for epoch, accuracy in enumerate(rows, start=1):
            study.report(trial, epoch, accuracy, seconds=10.0 * epoch)
        study.finish(trial)
    study.tell(point, "COMPLETE", 0.8)
    shown = published_table(load(study.paths))
    assert column(shown, "our epoch") == ["2 to 3"]
    assert column(shown, "ours")[0].value == pytest.approx(0.8)
    assert column(shown, "our seconds") == [25.0]
