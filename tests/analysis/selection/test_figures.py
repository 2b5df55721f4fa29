from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.selection.figures import as_cell, image_count, mean_over_seeds, metric_mean
from analysis.statistics import mean, mean_accuracy


def test_an_interval_ends_where_its_metric_does() -> None:
    share, seconds = (
        metric_mean([0.96, 0.98], "val_accuracy"),
        metric_mean([0.1, 0.3], "total_seconds"),
    )
    assert share.low < 0.9
    assert share.high == 1.0
    assert seconds.low == 0.0
    assert seconds.high > 1.0
    assert not metric_mean([0.5], "val_accuracy").known


def test_a_test_accuracy_has_its_interval_over_seeds_and_images() -> None:
    said = "abc, train 1257, validation 180, test 360, seed 0"
    trials = pd.DataFrame({"test_accuracy": [0.9, 0.92, 0.94], "data_fingerprint": [said] * 3})
    assert (image_count(trials, "test"), image_count(trials, "train")) == (360, 1257)
    assert mean_over_seeds(trials, "test_accuracy") == mean_accuracy([0.9, 0.92, 0.94], 360)
    assert mean_over_seeds(trials, "seconds") is None
    without = trials.drop(columns="data_fingerprint")
    found = mean_over_seeds(without, "test_accuracy")
    assert found is not None
    assert not found.known


def test_a_frames_values_become_plain_cells() -> None:
    values = [np.float64(0.5), np.int64(3), np.nan, None, pd.NA, "a"]
    assert [as_cell(value) for value in values] == [0.5, 3, None, None, None, "a"]
    assert type(as_cell(np.int64(3))) is int


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("reward", [-200.0, -195.0]),
        ("val_r2", [-0.1, -0.06]),
        ("val_accuracy_percent", [93.0, 93.5]),
        ("val_accuracy", [93.0, 93.5]),
        ("val_loss", [-5.1, -5.0]),
    ],
)
def test_a_metric_of_which_nothing_is_known_has_no_end(metric: str, values: list[float]) -> None:
    found = metric_mean(values, metric)
    assert found == mean(values)
    assert found.low < min(values)
    assert found.high > max(values)


def test_a_correlation_ends_at_one_on_either_side() -> None:
    found = metric_mean([-0.2, 0.3], "val_matthews_corrcoef")
    assert (found.low, found.high) == (-1.0, 1.0)
