from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from analysis.results import load
from analysis.selection.curves import curve_trials, epoch_rows_of, mean_by_epoch, mean_curves
from analysis.selection.trials import rows_of_point

from ..trained_points import trained


def test_a_mean_curve_ends_before_the_first_epoch_that_a_seed_did_not_reach(make: Any) -> None:
    study = make(replicates=3)
    trained(
        study, ([0.5, 0.6, 0.7], [0.3, 0.2], [0.4, 0.5, 0.9]), ["COMPLETE", "PRUNED", "COMPLETE"]
    )
    results = load(study.paths)
    rows = epoch_rows_of(results, curve_trials(results.trials))
    curve = mean_by_epoch(rows, "val_accuracy")
    assert list(curve.index) == [1, 2]
    assert list(curve["mean"]) == pytest.approx([0.4, 1.3 / 3])
    assert (list(curve["min"]), list(curve["max"])) == ([0.3, 0.2], [0.5, 0.6])
    assert not len(mean_by_epoch(rows.iloc[:0], "val_accuracy"))


def test_curves_are_of_the_seeds_of_the_search(make: Any) -> None:
    study = make()
    point = trained(study, ([0.5], [0.6]), ["COMPLETE", "COMPLETE"])
    fresh = study.start(point, 2, kind="confirm")
    study.report(fresh, 1, 0.1)
    study.finish(fresh)
    results = load(study.paths)
    own = rows_of_point(
        epoch_rows_of(results, curve_trials(results.trials)),
        {"study": "digits-momentum", "point": point},
    )
    assert list(own["replicate"]) == [0, 1]
    assert mean_by_epoch(own, "val_accuracy")["mean"].iloc[0] == pytest.approx(0.55)


def test_the_curves_of_all_points_are_those_of_each_by_itself(large: Any) -> None:
    results = load(large(8).paths)
    rows = epoch_rows_of(results, curve_trials(results.trials))
    curves = mean_curves(rows, "val_accuracy")
    assert len(curves) == 8
    for (study, point), curve in curves.items():
        own = rows_of_point(rows, {"study": study, "point": point})
        pd.testing.assert_frame_equal(curve, mean_by_epoch(own, "val_accuracy"))
