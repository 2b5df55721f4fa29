from __future__ import annotations

import io

import pytest

from analysis.plots.log_ticks import PowersOfTen
from analysis.plots.svg import make_panels, plot_style


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (1e-3, 100.0, ["10⁻³", "10⁻²", "10⁻¹", "10⁰", "10¹", "10²"]),
        (0.0021, 0.0069, ["3×10⁻³", "4×10⁻³", "6×10⁻³"]),
    ],
)
def test_labels_are_powers_of_ten_in_plain_characters(
    low: float, high: float, labels: list[str]
) -> None:
    with plot_style():
        figure, (axes,) = make_panels()
        axes.set_xlim(low, high)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(PowersOfTen())
        axes.xaxis.set_minor_formatter(PowersOfTen(labelOnlyBase=False))
        file = io.StringIO()
        figure.savefig(file, format="svg")
    svg = file.getvalue()
    assert [label for label in labels if f">{label}<" not in svg] == []
    assert "$" not in svg
