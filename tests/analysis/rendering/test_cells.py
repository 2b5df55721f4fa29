from __future__ import annotations

import json

from analysis.rendering import Header, make_table
from analysis.statistics import Estimate


def test_numbers_beyond_all_bounds_are_valid_json() -> None:
    shown = make_table("t", [Header("a")], [[float("inf")], [Estimate(float("nan"))]])
    assert json.loads(shown.json())["rows"][0]["a"] == "inf"
