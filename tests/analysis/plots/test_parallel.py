from __future__ import annotations

from typing import Any

from analysis.plots.parallel import parallel_plot
from analysis.plots.svg import plot_style
from analysis.results import load


def test_every_setting_has_an_axis_and_missing_values_a_place_below(mixed: Any, make: Any) -> None:
    with plot_style():
        found = parallel_plot(load(mixed.paths))
    assert found is not None
    for name in ("accumulation", "lr", "momentum", "optimizer"):
        assert f">{name}<" in found.svg
    assert ">–<" in found.svg, "adam has no momentum"
    assert parallel_plot(load(make(name="begun").paths)) is None
