"""What several plots put on their axes."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt

from analysis.plots.axes import (
    add_legend_below,
    legend_mark,
    point_label,
    use_whole_numbers,
)
from analysis.results import load


def test_ticks_are_whole_numbers() -> None:
    figure, axes = plt.subplots()
    axes.plot([1, 2, 3], [0.1, 0.2, 0.3])
    use_whole_numbers(axes)
    ticks = axes.xaxis.get_major_locator().tick_values(1, 3)
    plt.close(figure)
    assert all(float(tick).is_integer() for tick in ticks)


def test_a_legend_shows_its_marks() -> None:
    figure, _ = plt.subplots()
    add_legend_below(figure, [legend_mark("COMPLETE", "green"), legend_mark("FAIL", "red")], 2)
    (legend,) = figure.legends
    plt.close(figure)
    assert [text.get_text() for text in legend.get_texts()] == ["COMPLETE", "FAIL"]


def test_a_point_is_named_with_its_study_where_there_are_several(make: Any, mixed: Any) -> None:
    other = make(name="another")
    one, several = load(mixed.paths.folder), load([mixed.paths.folder, other.paths.folder])
    point = {"study": "digits-momentum", "point": 3}
    assert point_label(one, point) == "point 3"
    assert point_label(several, point) == "digits-momentum, point 3"
