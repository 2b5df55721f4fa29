"""Curves as inline SVG."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

from study.page.drawing.curves import HEIGHT, WIDTH, Curve, curves_svg


def test_a_curve_lies_in_its_drawing_and_rises_where_values_do() -> None:
    svg = curves_svg([Curve("a", [(1, 0.1), (2, 0.5), (3, 0.9)])], "label")
    ElementTree.fromstring(svg)
    found = re.search(r'<polyline class="s0" points="([^"]*)"', svg)
    assert found
    points = [tuple(map(float, pair.split(","))) for pair in found[1].split()]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_what_is_no_number_is_left_out() -> None:
    values = [(1, None), (2, math.nan), (3, math.inf), (4, "x"), (5, True), (6, 0.5)]
    svg = curves_svg([Curve("a", values)], "label")
    assert svg.count("<circle") == 1
    assert "nan" not in svg
    assert curves_svg([Curve("a", values[:-1])], "label") == ""
    assert curves_svg([], "label") == ""


def test_a_flat_curve_and_a_long_one_are_drawn() -> None:
    assert "<polyline" in curves_svg([Curve("a", [(1, 0.0), (2, 0.0)])], "label")
    long = curves_svg([Curve("a", [(x, x) for x in range(100_000)])], "label")
    assert len(long) < 20_000


def test_labels_are_shown_and_do_nothing() -> None:
    svg = curves_svg([Curve("<script>", [(1, 1)])], '"><script>\x1b')
    ElementTree.fromstring(svg)
    assert "<script" not in svg
