from __future__ import annotations

from typing import Any

from analysis.plots.epoch_times import epoch_times_plot
from analysis.plots.svg import plot_style
from analysis.results import load


def test_the_best_points_are_named_the_best_on_top(mixed: Any, make: Any) -> None:
    with plot_style():
        found = epoch_times_plot(load(mixed.paths))
    assert found is not None
    order = [found.svg.index(f">point {point}<") for point in (2, 5, 0, 1)]
    assert order == sorted(order), "from the worst, which is drawn lowest"
    assert epoch_times_plot(load(make(name="begun").paths)) is None
