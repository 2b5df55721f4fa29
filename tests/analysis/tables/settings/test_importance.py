from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance

from analysis.plots.importances import importances_plot
from analysis.rendering import FORMS
from analysis.results import load
from analysis.statistics import Estimate
from analysis.tables.settings import importance as importance_module
from analysis.tables.settings.importance import (
    _FILLING,
    Importance,
    _resample,
    _split,
    importance,
    importance_table,
)
from study.results.kept_figures import KeptFigures

SPEC = """\
study: digits-momentum
objective: {metric: val_accuracy, direction: maximize}
points: 60
recipe: {epochs: 3}
space: {optimizer: {name: {choice: [sgd]}, lr: {log: [1e-3, 1]}}, accumulation: {choice: [1, 2]}}
"""


def searched(make: Any, points: int, value: Callable[[float, int, random.Random], float]) -> Any:
    """A study whose points have random settings and a value that depends on lr and accumulation."""
    study, draw = make(spec=SPEC), random.Random(points)
    for _ in range(points):
        lr, accumulation = 10 ** draw.uniform(-3, 0), draw.choice([1, 2])
        values = {"optimizer.name": "sgd", "optimizer.lr": lr, "accumulation": accumulation}
        study.complete_point(values, [value(lr, accumulation, draw)], epochs=1)
    return load(study.paths)


def test_a_setting_that_decides_has_nearly_all_the_variance_and_no_more(make: Any) -> None:
    found = importance(
        searched(make, 60, lambda lr, accumulation, draw: 0.5 + 0.1 * math.log10(lr))
    )
    assert found is not None
    (first, share), (second, other) = found.shares
    assert (first, second) == ("optimizer.lr", "accumulation")
    assert 0.7 < share.value <= 1.0
    assert share.high <= 1.0
    assert abs(other.value) < 0.1
    assert found.r_squared > 0.8
    assert share.n == 60


def test_each_of_two_settings_has_its_share(make: Any) -> None:
    """The variances are (0.1 · 3)² / 12 for the logarithm of lr and 0.05² for accumulation: three
    quarters and one.
    """
    found = importance(
        searched(make, 60, lambda lr, steps, draw: 0.5 + 0.1 * math.log10(lr) + 0.1 * (steps - 1.5))
    )
    assert found is not None
    shares = dict(found.shares)
    assert shares["optimizer.lr"].value == pytest.approx(0.75, abs=0.2)
    assert shares["accumulation"].value == pytest.approx(0.25, abs=0.15)


def test_noise_alone_is_said_to_mean_nothing(make: Any) -> None:
    results = searched(make, 40, lambda lr, accumulation, draw: draw.gauss(0.8, 0.01))
    found = importance(results)
    assert found is not None
    assert found.r_squared <= 0
    said = "The forest explains nothing"
    assert importance_table(results).notes[0].startswith(said)
    plot = importances_plot(results)
    assert plot is not None
    assert plot.description.startswith(said)


def test_what_is_shown_starts_at_zero() -> None:
    found = Importance((("lr", Estimate(-0.01, -0.2, 0.3, 12)),), 0.5)
    assert found.displayed == [("lr", Estimate(0.0, 0.0, 0.3, 12))]
    assert found.shares[0][1].low == -0.2
    assert (
        found.quality
        == "The forest explains 50 % of the value's variance among points left out (R²)."
    )


def test_the_table_has_a_row_for_each_setting_and_says_how_gaps_are_filled(large: Any) -> None:
    results = load(large(24).paths)
    shown = importance_table(results)
    assert {row[0] for row in shown.rows} == {"lr", "momentum", "accumulation"}
    assert shown.rows[0][0] == "lr"
    assert "explains" in shown.notes[0]
    assert _FILLING not in shown.notes, "all points have all settings"
    for form in FORMS:
        assert "nan" not in shown.render(form).lower()


def test_settings_of_one_branch_alone_are_named_as_filled(make: Any) -> None:
    study, draw = make(), random.Random(2)
    for i in range(12):
        lr = 10 ** draw.uniform(-3, -2)
        branch = (
            {"optimizer.name": "sgd", "optimizer.momentum": draw.random()}
            if i % 2
            else {"optimizer.name": "adam"}
        )
        study.complete_point(
            {**branch, "optimizer.lr": lr, "accumulation": 1}, [draw.random()], epochs=1
        )
    assert _FILLING in importance_table(load(study.paths)).notes


def test_too_few_points_make_no_rows(mixed: Any, make: Any) -> None:
    assert importance(load(mixed.paths)) is None
    assert not importance_table(load(mixed.paths)).rows
    assert "It takes 10 points" in importance_table(load(make(name="empty").paths)).notes[0]


def test_the_same_study_gives_the_same_shares(large: Any) -> None:
    results = load(large(12).paths)
    assert importance(results) == importance(results)


@pytest.fixture
def resampled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """The seeds of the resamples that were computed, and not found in an empty folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seeds: list[int] = []

    def noted(features: Any, values: Any, seed: int) -> Any:
        seeds.append(seed)
        return _resample(features, values, seed)

    monkeypatch.setattr(importance_module, "_resample", noted)
    return seeds


def test_shares_are_computed_once_for_the_same_points(large: Any, resampled: list[int]) -> None:
    results = load(large(12).paths)
    computed = importance(results)
    assert resampled == list(range(15))
    assert importance(load(results.study.paths)) == computed
    assert len(resampled) == 15


def test_shares_of_other_points_or_another_seed_are_computed_anew(
    large: Any, resampled: list[int]
) -> None:
    study = large(12)
    before = importance(load(study.paths))
    study.complete_point({"optimizer.lr": 0.5, "optimizer.name": "sgd"}, [0.1], epochs=1)
    after = importance(load(study.paths))
    assert before != after
    assert len(resampled) == 30
    importance(load(study.paths), seed=100)
    assert resampled[30:] == list(range(100, 115))


def test_shares_of_another_version_are_computed_anew(
    large: Any, resampled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = load(large(12).paths)
    importance(results)
    monkeypatch.setattr(importance_module, "version", lambda name: "another")
    importance(results)
    assert len(resampled) == 30


@pytest.mark.parametrize("kept", [None, 1, "a", [[1.0]], {"a": 1}, [[math.nan] * 4] * 15, [[], 1]])
def test_what_is_kept_and_can_be_no_shares_is_computed_anew(
    kept: object, large: Any, resampled: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = load(large(12).paths)
    computed = importance(results)
    monkeypatch.setattr(KeptFigures, "find", lambda figures, key: kept)
    assert importance(results) == computed
    assert len(resampled) == 30


def test_a_resample_is_what_scikit_learn_says_of_the_points_left_out() -> None:
    draw = np.random.default_rng(0)
    features = draw.integers(0, 20, (40, 3)).astype(float)
    values = features[:, 0] + 0.1 * features[:, 1]
    shares, r_squared = _resample(features, values, seed=7)
    drawn, left_out = _split(len(values), 7)
    forest = RandomForestRegressor(25, min_samples_leaf=2, random_state=7)
    forest.fit(features[drawn], values[drawn])
    added = permutation_importance(
        forest,
        features[left_out],
        values[left_out],
        n_repeats=5,
        random_state=7,
        scoring="neg_mean_squared_error",
    )
    expected = np.minimum(added["importances_mean"] / (2 * values.var()), 1.0)
    assert shares == pytest.approx(expected, abs=1e-12)
    error = np.mean((values[left_out] - forest.predict(features[left_out])) ** 2)
    assert r_squared == pytest.approx(1 - error / values.var(), abs=1e-12)
