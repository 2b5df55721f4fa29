from __future__ import annotations

from typing import Any

from analysis.plots.importances import importances_plot
from analysis.plots.svg import plot_style
from analysis.results import load


def test_each_setting_has_a_bar_and_the_fit_is_said(large: Any, make: Any) -> None:
    with plot_style():
        found = importances_plot(load(large(12).paths))
    assert found is not None
    assert ">optimizer.lr<" in found.svg
    assert found.description.startswith("The forest explains ")
    assert importances_plot(load(make(name="begun").paths)) is None
