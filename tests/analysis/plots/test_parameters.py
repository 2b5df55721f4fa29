from __future__ import annotations

from typing import Any

from analysis.plots.parameters import parameters_plot
from analysis.plots.svg import plot_style
from analysis.results import load


def test_there_is_a_panel_for_each_setting_that_varies(mixed: Any, make: Any) -> None:
    with plot_style():
        found = parameters_plot(load(mixed.paths))
    assert found is not None
    for name in ("accumulation", "optimizer.lr", "optimizer.momentum", "optimizer.name"):
        assert f">{name}<" in found.svg
    assert parameters_plot(load(make(name="begun").paths)) is None


def test_a_logarithmic_axis_shows_powers_of_ten(mixed: Any) -> None:
    with plot_style():
        found = parameters_plot(load(mixed.paths))
    assert found is not None
    assert ">10⁻²<" in found.svg
    assert "mathdefault" not in found.svg
