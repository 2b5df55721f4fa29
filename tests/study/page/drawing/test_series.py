"""The curves that a study's page shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec
from study.page.drawing.series import best_points, faint_curves, plot_data, shown_curves

from ....analysis.conftest import Maker, adam, sgd


def test_the_best_points_stand_as_means_over_their_seeds_beside_what_runs(tmp_path: Path) -> None:
    study = Maker(tmp_path, name="one")
    for number in range(7):
        study.complete_point(adam(1e-3), [0.1 * number, 0.1 * number + 0.02])
    running = study.start(study.point(sgd(0.1, 0.9)), 0)
    study.report(running, 1, 0.33)
    history = read_history(study.paths.journal)
    spec = recorded_spec(study.paths, history)
    best = best_points(history, spec)
    assert [point.number for point in best] == [6, 5, 4, 3, 2]
    curves = shown_curves(history, spec, best)
    assert curves[0].label == "point 6"
    assert curves[-1].label == f"trial {running}"
    assert curves[0].points[-1] == (3, pytest.approx(0.61))
    assert len(faint_curves(history, spec, best)) == 3
    data = plot_data(curves, "val_accuracy")
    assert data["x"] == [1, 2, 3]
    assert data["series"][-1]["values"] == [0.33, None, None]


def test_seeds_that_have_not_come_so_far_end_the_mean(tmp_path: Path) -> None:
    study = Maker(tmp_path, name="one")
    study.complete_point(adam(1e-3), [0.9, 0.92])
    history = read_history(study.paths.journal)
    spec = recorded_spec(study.paths, history)
    del history.trials[1].rows[2:]
    (curve,) = shown_curves(history, spec, history.points)
    assert [epoch for epoch, _ in curve.points] == [1, 2]
