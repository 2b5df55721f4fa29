from __future__ import annotations

from typing import Any

from analysis.plots.best_of_n import best_of_n_plot
from analysis.results import load


def test_best_of_n_is_banded_up_to_a_quarter_of_the_points(large: Any, make: Any) -> None:
    found = best_of_n_plot(load(large(16, replicates=2).paths))
    assert found is not None
    assert "up to a quarter of the points" in found.description
    assert "FillBetween" in found.svg
    few = best_of_n_plot(load(large(3, name="few").paths))
    assert few is not None
    assert "FillBetween" not in few.svg
