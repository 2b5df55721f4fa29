from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pytest

from analysis import statistics
from analysis.rendering import FORMS, Table
from analysis.results import load
from analysis.statistics import Estimate
from analysis.tables.effort.time_to_target import (
    MEDIAN_TARGET,
    OWN_TARGET,
    default_target,
    time_to,
    time_to_target_table,
)
from study.errors import UserError
from study.sampling.pruning import make_pruner
from study.spec.pruners import Asha
from study.spec.sections import Objective

ADAM = {"optimizer.name": "adam", "optimizer.lr": 1e-3, "accumulation": 1}
EPOCHS_IF = "epochs had the pruned reached it"
SECONDS_IF = "seconds had the pruned reached it"


def column(shown: Table, name: str) -> list[Any]:
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def last(shown: Table) -> dict[str, Any]:
    """The row of all points, by column."""
    return dict(zip((header.name for header in shown.headers), shown.rows[-1], strict=True))


def trained(
    study: Any, curves: Sequence[Sequence[float]], state: str = "COMPLETE", **more: Any
) -> int:
    """A point with a curve of validation accuracies for each seed, all of which end in the
    state.
    """
    point = int(study.point({**ADAM, **more}))
    for replicate, curve in enumerate(curves):
        trial = study.start(point, replicate)
        for epoch, accuracy in enumerate(curve, start=1):
            study.report(trial, epoch, accuracy)
        if state == "COMPLETE":
            study.finish(trial)
        elif state == "PRUNED":
            study.prune(trial, len(curve))
        elif state == "FAIL":
            study.fail(trial, "diverged", len(curve))
    if state != "RUNNING":
        study.tell(
            point,
            state,
            float(np.mean([curve[-1] for curve in curves])) if state == "COMPLETE" else None,
        )
    return point


# -- the table -------------------------------------------------------------------------


def test_what_ended_or_failed_never_reaches_and_what_was_pruned_might_have(make: Any) -> None:
    study = make(replicates=1)
    trained(study, [[0.2, 0.9, 0.9]])
    trained(study, [[0.2, 0.3, 0.4]])
    trained(study, [[0.2]], "FAIL")
    trained(study, [[0.2]], "PRUNED")
    trained(study, [[0.9, 0.2]], "PRUNED")
    trained(study, [[0.2, 0.3]], "RUNNING")
    row = last(time_to_target_table(load(study.paths), target=0.8))
    assert [row[name] for name in ("points", "reached", "never", "pruned")] == [6, 2, 2, 2]
    assert row["share"] == statistics.binomial_share(2, 4, 6)
    found = row["median epochs"]
    assert (found.value, found.low, found.high, found.n) == (math.inf, 1, math.inf, 6)
    assert row[EPOCHS_IF] == 2.5, "of 1, 2, 2, 3 and twice never"
    assert row["median seconds"].value == math.inf
    assert row[SECONDS_IF] == 5.5


def test_a_points_time_is_the_median_over_its_seeds(make: Any) -> None:
    study = make(replicates=3)
    trained(study, [[0.9], [0.1, 0.9], [0.1, 0.1]])
    trained(study, [[0.9], [0.1, 0.1], [0.1, 0.1]])
    trained(study, [[0.1, 0.9, 0.9], [0.1, 0.1]])
    shown = time_to_target_table(load(study.paths), target=0.8)
    row = last(shown)
    assert [row[name] for name in ("points", "reached", "never")] == [3, 1, 2]
    assert row["share"].value == pytest.approx(1 / 3)
    assert not any("had the pruned" in str(header) for header in shown.headers), (
        "nothing was pruned"
    )
    assert not any("pruned" in note for note in shown.notes)


def test_points_whose_seeds_are_stopped_or_running_are_known_in_bounds(make: Any) -> None:
    study = make(replicates=3)
    point = study.point(ADAM)
    for replicate, curve in enumerate(([0.1, 0.9], [0.1, 0.2], [0.3])):
        trial = study.start(point, replicate)
        for epoch, accuracy in enumerate(curve, start=1):
            study.report(trial, epoch, accuracy)
        if replicate == 0:
            study.finish(trial)
        if replicate == 1:
            study.add(event="stopped", trial=trial, epoch=2, by="user")
            study.end(trial, "PRUNED", 2)
    trained(study, [[]], "RUNNING")
    row = last(time_to_target_table(load(study.paths), target=0.8))
    assert [row[name] for name in ("points", "reached", "never", "pruned")] == [2, 0, 0, 2]
    assert row[EPOCHS_IF] == pytest.approx(1.5), (
        "the first of 2, 3 and 2 epochs, the other, begun, of 1"
    )
    assert row["median epochs"] == Estimate(math.inf, n=2) or math.isinf(row["median epochs"].value)


def test_the_confirmations_trials_do_not_count(make: Any) -> None:
    study = make(replicates=1)
    point = trained(study, [[0.1, 0.2]])
    trial = study.start(point, 1, kind="confirm")
    study.report(trial, 1, 0.9)
    study.finish(trial)
    assert last(time_to_target_table(load(study.paths), target=0.8))["reached"] == 0


def test_levels_of_the_scientific_factor_and_all(mixed: Any) -> None:
    shown = time_to_target_table(load(mixed.paths), target=0.9)
    assert column(shown, "optimizer.name") == ["sgd", "adam", "all"]
    assert column(shown, "points") == [3, 3, 6]
    assert column(shown, "pruned") == [1, 0, 1]
    assert [
        a + b + c
        for a, b, c in zip(*(column(shown, n) for n in ("reached", "never", "pruned")), strict=True)
    ] == [
        3,
        3,
        6,
    ]


@pytest.mark.parametrize("form", FORMS)
def test_no_form_shows_a_figure_that_is_none(mixed: Any, form: str) -> None:
    for target in (None, 0.9, 0.0, 2.0):
        assert (
            "nan" not in time_to_target_table(load(mixed.paths), target=target).render(form).lower()
        )


def test_infinity_is_explained_rightly(mixed: Any) -> None:
    assert any(
        "∞: fewer than half of the points reach it" in note
        for note in time_to_target_table(load(mixed.paths)).notes
    )


# -- the target ------------------------------------------------------------------------


def test_the_target_is_the_median_of_the_points_best(make: Any) -> None:
    study = make(replicates=2)
    for accuracy in (0.5, 0.6, 0.7, 0.8):
        trained(study, [[accuracy + 0.1, accuracy], [accuracy + 0.15, accuracy]])
    trained(study, [[0.99]], "PRUNED")
    results = load(study.paths)
    value, origin = default_target(results, "val_accuracy")
    assert (value, origin) == (pytest.approx(0.7), MEDIAN_TARGET)
    shown = time_to_target_table(results)
    assert last(shown)["reached"] == 4, (
        "three complete points, and the pruned one before it was stopped"
    )
    assert shown.title == "Time to val_accuracy ≥ 0.7"
    assert shown.notes[0] == "The target is the median of the points' best."


def test_the_studys_own_target_comes_first(make: Any) -> None:
    spec = (
        "study: digits-momentum\nobjective: {metric: val_accuracy, direction:"
        " maximize}\npoints: 4\n"
    )
    study = make(
        spec=spec
        + "stop: {target: 0.85}\nrecipe: {epochs: 3}\nspace: {accumulation: {choice: [1, 2]}}\n"
    )
    trained(study, [[0.9]])
    results = load(study.paths)
    assert default_target(results, "val_accuracy") == (0.85, OWN_TARGET)
    assert default_target(results, "train_accuracy")[1] == MEDIAN_TARGET
    assert time_to_target_table(results).notes[0] == "The target is the study's own target."


def test_less_is_better_where_the_objective_says_so(make: Any) -> None:
    spec = (
        "study: digits-momentum\nobjective: {metric: val_accuracy, direction:"
        " minimize}\npoints: 4\n"
    )
    study = make(spec=spec + "recipe: {epochs: 3}\nspace: {accumulation: {choice: [1, 2]}}\n")
    trained(study, [[0.5, 0.3, 0.4]])
    trained(study, [[0.9, 0.8, 0.7]])
    results = load(study.paths)
    assert time_to_target_table(results).title == "Time to val_accuracy ≤ 0.7"
    assert list(time_to(results, "val_accuracy", 0.35)["reached"]) == [True, False]
    assert list(time_to(results, "train_accuracy", 0.6)["reached"]) == [
        False,
        True,
    ], "no objective: by its name"
    assert list(time_to(results, "val_loss", 0.35)["epochs_to"]) == [3, 1]


def test_without_a_target_or_a_trial_the_table_says_so(make: Any) -> None:
    study = make()
    assert time_to_target_table(load(study.paths)).notes == (
        "No point is complete yet, so there is no target.",
    )
    assert time_to_target_table(load(study.paths), target=0.5).notes == ("No trial has begun yet.",)
    trained(study, [[0.5]], "PRUNED")
    assert not time_to_target_table(load(study.paths)).rows
    assert "no total_seconds" in time_to_target_table(load(study.paths), "total_seconds").notes[0]


# -- the trials ------------------------------------------------------------------------


def test_each_trial_says_when_it_reached_the_value_or_up_to_where_it_did_not(make: Any) -> None:
    study = make(replicates=1)
    trained(study, [[0.2, 0.9, 0.3]])
    trained(study, [[0.2, 0.3]], "PRUNED")
    trained(study, [[0.2]], "FAIL")
    trained(study, [[]], "RUNNING")
    found = time_to(load(study.paths), "val_accuracy", 0.8)
    assert list(found["reached"]) == [True, False, False, False]
    assert list(found["bound"]) == [False, True, False, True]
    assert list(found["epochs_to"]) == [2, 2, 1, 0]
    assert list(found["seconds_to"]) == [5.0, 5.0, 5.5, 0.0]
    with pytest.raises(UserError, match="no 'accuracy'"):
        time_to(load(study.paths), "accuracy", 0.8)


# -- what the intervals cover ----------------------------------------------------------

WORLDS = 300
EPOCHS = 16
TARGET = 0.6
OBJECTIVE = (Objective(metric="val_accuracy", direction="maximize"),)
ASHA = Asha(min_epochs=4, reduction=2)


@dataclass(frozen=True)
class World:
    """The curves (points, epochs) of a study without a pruner, and the epochs after which asha
    stops each.
    """

    curves: np.ndarray
    ends: list[int]

    def bounds(self, target: float) -> tuple[list[float], list[float]]:
        pairs = [
            bounds_of(curve[:end], target)
            for curve, end in zip(self.curves, self.ends, strict=True)
        ]
        return [earliest for earliest, _ in pairs], [latest for _, latest in pairs]


def bounds_of(curve: np.ndarray, target: float) -> tuple[float, float]:
    hits = np.flatnonzero(curve >= target)
    if len(hits):
        return hits[0] + 1.0, hits[0] + 1.0
    return (len(curve) + 1.0 if len(curve) < EPOCHS else math.inf), math.inf


def curves_of(points: int, random: np.random.Generator) -> np.ndarray:
    """Accuracies that rise at rates which differ from point to point: (points, epochs)."""
    rates = random.lognormal(math.log(9.0), 0.35, (points, 1))
    rise = 1 - np.exp(-np.arange(1, EPOCHS + 1) / rates)
    noisy: np.ndarray = rise + random.normal(0, 0.02, rise.shape)
    return noisy


def world(points: int, seed: int) -> World:
    curves = curves_of(points, np.random.default_rng(seed))
    pruner = make_pruner(ASHA, OBJECTIVE, EPOCHS, by_number=True)
    rungs = (4, 8)  # it answers no at all other epochs
    ends = [
        next((e for e in rungs if pruner.stops(i, e, (float(curve[e - 1]),))), EPOCHS)
        for i, curve in enumerate(curves)
    ]
    return World(curves, ends)


def true_median(target: float) -> float:
    """Without a pruner."""
    reached = curves_of(100_000, np.random.default_rng(7)) >= target
    return float(np.median(np.where(reached.any(1), reached.argmax(1) + 1.0, math.inf)))


@pytest.fixture
def _silent() -> Any:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


@pytest.mark.usefixtures("_silent")
@pytest.mark.parametrize(("target", "truth"), [(0.6, 9), (0.25, 3)], ids=["far", "near"])
@pytest.mark.parametrize("points", [10, 16, 30])
def test_the_medians_interval_covers_the_truth_though_a_pruner_stops_the_slow(
    points: int, target: float, truth: float
) -> None:
    assert true_median(target) == truth
    found, pruned = [], 0
    for seed in range(WORLDS):
        made = world(points, 1000 * points + seed)
        found.append(statistics.median_time(*made.bounds(target)))
        pruned += sum(end < EPOCHS for end in made.ends)
    assert pruned > 0.5 * WORLDS * points, "the pruner is at work"
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert covered >= 0.92


@pytest.mark.usefixtures("_silent")
def test_worlds_are_such_that_to_leave_the_pruned_out_would_be_wrong_and_most_intervals_end() -> (
    None
):
    """Else that coverage would show nothing: without the pruned trials it is 0.07, for 30 points
    and the far target.
    """
    worlds = [world(30, seed) for seed in range(WORLDS // 3)]
    kept = [
        [latest for latest, end in zip(one.bounds(0.6)[1], one.ends, strict=True) if end == EPOCHS]
        for one in worlds
    ]
    found = [statistics.median_time(times, times) for times in kept]
    assert np.mean([one.low <= 9 <= one.high for one in found]) < 0.5
    near = [statistics.median_time(*one.bounds(0.25)) for one in worlds]
    assert np.mean([one.known for one in near]) > 0.9


@pytest.mark.parametrize("points", [10, 16, 30])
def test_the_medians_interval_covers_never_where_more_than_half_diverge(points: int) -> None:
    random = np.random.default_rng(points)
    covered, shares = [], []
    for _ in range(WORLDS):
        diverged = random.random(points) < 0.55
        times = np.where(diverged, math.inf, random.integers(3, 9, points))
        covered.append(statistics.median_time(times, times).high == math.inf)
        share = statistics.binomial_share(int((~diverged).sum()), int((~diverged).sum()), points)
        shares.append(share.low <= 0.45 <= share.high)
    assert np.mean(covered) >= 0.92
    assert np.mean(shares) >= 0.92


def test_where_11_of_20_diverge_the_printed_median_is_never(make: Any) -> None:
    study = make(replicates=1)
    for i in range(20):
        trained(
            study, [[0.1]] if i < 11 else [[0.1, 0.2, 0.3, 0.9]], "FAIL" if i < 11 else "COMPLETE"
        )
    row = last(time_to_target_table(load(study.paths), target=0.8))
    assert row["median epochs"].value == math.inf
    assert (row["median epochs"].low, row["median epochs"].high) == (4, math.inf)
    assert (row["reached"], row["never"], row["pruned"]) == (9, 11, 0)


@pytest.mark.usefixtures("_silent")
@pytest.mark.parametrize("seed", range(3))
def test_the_table_prints_just_these_intervals(make: Any, seed: int) -> None:
    study, made = make(replicates=1), world(16, seed)
    for curve, end in zip(made.curves, made.ends, strict=True):
        trained(study, [list(map(float, curve[:end]))], "COMPLETE" if end == EPOCHS else "PRUNED")
    row = last(time_to_target_table(load(study.paths), target=TARGET))
    expected = statistics.median_time(*made.bounds(TARGET))
    assert row["median epochs"] == expected
    earliest = made.bounds(TARGET)[0]
    least = statistics.median_time(earliest, earliest).value
    assert row.get(EPOCHS_IF) == (least if least != expected.value else None)
