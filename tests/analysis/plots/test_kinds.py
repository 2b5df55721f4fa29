from __future__ import annotations

from typing import Any

from analysis.plots.kinds import draw_plots
from analysis.results import load


def test_the_same_study_gives_the_same_plots(mixed: Any) -> None:
    assert [plot.svg for plot in draw_plots(load(mixed.paths))] == [
        plot.svg for plot in draw_plots(load(mixed.paths))
    ]
