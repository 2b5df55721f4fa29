"""``prices:`` of a study file, and how prices of several files are laid over each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import SpecError
from study.spec.load import load_spec, spec_from_tree
from study.spec.parts.prices import laid_over

FILE = """\
study: s
space: {optimizer: {lr: {log: [1e-3, 1]}}}
points: 2
prices:
"""


def faults_of(folder: Path, lines: str) -> list[str]:
    path = folder / "s.yaml"
    path.write_text(FILE + lines)
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return [line.removeprefix(f"{path}:") for line in caught.value.lines]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("  gpu_hour: -1", "5: prices.gpu_hour: must be at least 0; found -1"),
        ("  cpu_hour: cheap", "5: prices.cpu_hour: must be a finite number; found 'cheap'"),
        ("  gpu_hours: 1", "5: prices.gpu_hours: must be a known key"),
        ("  currency: 12", "5: prices.currency: must be a currency's letters or sign; found 12"),
        (
            "  by_label: {gpu-type: {h200: {gpu_hour: dear}}}",
            "5: prices.by_label.gpu-type.h200.gpu_hour: must be a finite number; found 'dear'",
        ),
        (
            "  by_label: {gpu-type: h200}",
            "5: prices.by_label.gpu-type: must be a mapping of names; found 'h200'",
        ),
        (
            "  by_label: {gpu-type: {h200: {hour: 4}}}",
            "5: prices.by_label.gpu-type.h200.hour: must be a known key",
        ),
    ],
)
def test_a_fault_in_prices_is_told_with_its_line(tmp_path: Path, line: str, fault: str) -> None:
    (found,) = faults_of(tmp_path, line)
    assert found.startswith(fault)


def test_prices_read_back_as_they_were_written() -> None:
    prices = {"gpu_hour": 2.5, "currency": "EUR", "by_label": {"a": {"b": {"cpu_hour": 0.0}}}}
    spec = spec_from_tree(
        {
            "study": "s",
            "space": {"optimizer": {"lr": {"log": [0.1, 1]}}},
            "points": 1,
            "prices": prices,
        }
    )
    assert spec.tree()["prices"] == prices
    assert spec_from_tree(spec.tree()) == spec


def test_what_one_file_leaves_out_comes_from_the_one_below() -> None:
    lower = {
        "gpu_hour": 1,
        "cpu_hour": 2,
        "currency": "EUR",
        "by_label": {"a": {"b": {"gpu_hour": 9}}},
    }
    assert laid_over({"gpu_hour": 5}, lower) == {**lower, "gpu_hour": 5}
    assert laid_over({}, lower) == lower
    more = {"by_label": {"a": {"b": {"cpu_hour": 3}, "c": {"gpu_hour": 8}}}}
    assert laid_over(more, lower)["by_label"] == {
        "a": {"b": {"gpu_hour": 9, "cpu_hour": 3}, "c": {"gpu_hour": 8}}
    }


def test_amounts_of_two_currencies_are_never_mixed() -> None:
    upper = {"gpu_hour": 5, "currency": "USD"}
    assert laid_over(upper, {"cpu_hour": 2, "currency": "EUR"}) == upper
    assert laid_over(upper, {"cpu_hour": 2}) == {**upper, "cpu_hour": 2}
