"""What an hour of a trial costs, by what it holds and by the labels of its node."""

from __future__ import annotations

import pytest

from study.spec.parts.tariff import Tariff, money_text

PRICES = {
    "gpu_hour": 2.5,
    "cpu_hour": 0.04,
    "currency": "EUR",
    "by_label": {
        "gpu-type": {"h200": {"gpu_hour": 4}, "l4": {"gpu_hour": 1, "cpu_hour": 0.02}},
        "market": {"spot": {"gpu_hour": 0.5, "cpu_hour": None}},
    },
}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, 0.25 * 2.5 + 2 * 0.04),
        ({"gpu-type": "a100"}, 0.25 * 2.5 + 2 * 0.04),
        ({"gpu-type": "h200"}, 0.25 * 4 + 2 * 0.04),
        ({"gpu-type": "l4", "market": "spot"}, 0.25 * 1 + 2 * 0.02),
        ({"market": "spot"}, 0.25 * 0.5 + 2 * 0.04),
    ],
)
def test_the_first_label_of_the_file_that_a_node_has_says_what_differs(
    labels: dict[str, str], expected: float
) -> None:
    assert Tariff(PRICES, cpus=2, gpus=0.25).hourly(labels) == pytest.approx(expected)


def test_the_dearest_node_is_what_a_careful_estimate_goes_by() -> None:
    assert Tariff(PRICES, cpus=0, gpus=1).highest_hourly() == 4
    assert Tariff({"cpu_hour": 3}, cpus=1, gpus=1).highest_hourly() == 3


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00 EUR"), (0.00421, "0.0042 EUR"), (12.3, "12.30 EUR"), (12345, "12,345.00 EUR")],
)
def test_amounts_are_told_with_their_currency(amount: float, text: str) -> None:
    assert money_text(amount, "EUR") == text
    assert money_text(amount, "") == text.removesuffix(" EUR")
