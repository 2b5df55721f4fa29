from __future__ import annotations

from typing import Any

from analysis.results import load
from analysis.selection.settings import (
    is_log_scaled,
    is_numeric_setting,
    is_unordered,
    setting_headers,
    short_name,
    varied_settings,
)


def test_settings_are_what_the_space_sets_and_points_differ_in(mixed: Any, make: Any) -> None:
    assert varied_settings(load(mixed.paths)) == [
        "accumulation",
        "optimizer.lr",
        "optimizer.momentum",
        "optimizer.name",
    ]
    same = make(name="same")
    for lr in (1e-3, 1e-2):
        same.complete_point(
            {"optimizer.name": "adam", "optimizer.lr": lr, "accumulation": 1}, [0.5]
        )
    assert varied_settings(load(same.paths)) == ["optimizer.lr"]


def test_headers_show_the_last_part_of_a_name_where_it_is_no_others() -> None:
    assert short_name("optimizer.name") == "optimizer"
    headers = setting_headers(["optimizer.lr", "schedule.lr", "model.norm"])
    assert [str(header) for header in headers] == ["optimizer.lr", "schedule.lr", "norm"]


def test_how_a_setting_was_sampled_is_known(mixed: Any) -> None:
    results = load(mixed.paths)
    assert is_log_scaled(results, "optimizer.lr")
    assert not is_log_scaled(results, "optimizer.momentum")
    assert is_unordered(results, "accumulation")
    assert not is_unordered(results, "optimizer.lr")
    assert is_numeric_setting(results.points["optimizer.lr"])
    assert not is_numeric_setting(results.points["optimizer.name"])
