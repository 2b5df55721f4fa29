"""A small plot for each setting."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

from study.journal.trials import Point
from study.page.drawing.settings import setting_plots


def point(number: int, value: float | None, **values: Any) -> Point:
    return Point(number, values, "sampler", None, None, None, True, 0.0, value=value)


def dots(svg: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", svg)]


def test_each_setting_in_which_complete_points_differ_has_a_plot() -> None:
    points = [
        point(0, 0.5, lr=0.001, norm="none", fixed=1),
        point(1, 0.9, lr=0.1, norm="batch", fixed=1),
        point(2, None, lr=0.01, norm="group", fixed=2),
    ]
    plots = setting_plots(points, "val_accuracy")
    assert [plot.name for plot in plots] == ["lr", "norm"]
    for plot in plots:
        ElementTree.fromstring(plot.svg)
        assert len(dots(plot.svg)) == 2
    assert ">group<" not in plots[1].svg


def test_settings_over_powers_of_ten_are_spread_evenly() -> None:
    points = [point(number, 0.5 + number, lr=10.0**-number) for number in range(4)]
    (plot,) = setting_plots(points, "m")
    across = sorted(x for x, _ in dots(plot.svg))
    gaps = [later - earlier for earlier, later in pairwise(across)]
    assert max(gaps) - min(gaps) < 0.5


def test_many_points_are_thinned_and_many_levels_left_out() -> None:
    many = [point(number, float(number % 7), lr=float(number)) for number in range(5_000)]
    (plot,) = setting_plots(many, "m")
    assert len(dots(plot.svg)) <= 300
    names = [point(number, 0.5, name=f"level {number}") for number in range(50)]
    assert setting_plots(names, "m") == []


def test_texts_from_outside_do_nothing() -> None:
    points = [point(0, 0.5, **{"<b>": "<script>"}), point(1, 0.6, **{"<b>": "\x1b"})]
    (plot,) = setting_plots(points, '"><i>')
    ElementTree.fromstring(plot.svg)
    assert "<script" not in plot.svg
