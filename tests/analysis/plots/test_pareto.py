from __future__ import annotations

from typing import Any

from analysis.plots.pareto import pareto_plot
from analysis.results import load
from analysis.selection.pareto_front import pareto_front

AT_BEST = """\
study: digits-momentum
objective: {metric: val_accuracy, direction: maximize, at: best}
points: 2
recipe: {epochs: 3}
space: {accumulation: {choice: [1, 2]}}
"""


def test_the_plot_shows_points_by_the_objective_at_its_best_epoch(make: Any) -> None:
    study = make(spec=AT_BEST)
    for peak in (0.9, 0.8):
        trial = study.start(study.point({"accumulation": 1}), 0)
        for epoch, accuracy in enumerate((0.2, peak, 0.3), start=1):
            study.report(trial, epoch, accuracy)
        study.finish(trial)
        study.tell(study.points - 1, "COMPLETE", peak)
    results = load(study.paths)
    assert list(pareto_front(results, "value", "total_seconds")["value"]) == [0.9]
    found = pareto_plot(results)
    assert found is not None
    assert found.description.startswith("1 of 2 complete points")
