from __future__ import annotations

from typing import Any

from analysis.plots.learning_curves import learning_curves_plot
from analysis.results import load

from ..trained_points import ADAM, trained


def test_the_plot_of_learning_curves_says_which_seeds_it_is_of(make: Any) -> None:
    study = make()
    trained(study, ([0.5, 0.6], []), ["COMPLETE", "FAIL"])
    trained(study, ([0.5, 0.6], [0.7]), ["RUNNING", "RUNNING"], values={**ADAM, "accumulation": 2})
    found = learning_curves_plot(load(study.paths))
    assert found is not None
    assert "point 0 (1 of 2 seeds)" in found.svg
    assert "up to the last epoch that all" in found.description
