"""Distributions: what lies in them, how they are enumerated, and that Optuna agrees."""

from __future__ import annotations

import math

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.distributions import Choice, Distribution, Integer, Real
from search_spaces.values import as_param

EXAMPLES: list[Distribution] = [
    Choice(("a", "b")),
    Choice((1, 2.5, None, True)),
    Choice(([30, 60], [50, 80])),
    Real(0.0, 1.0),
    Real(1e-5, 1e-1, log=True),
    Real(0.0, 0.9, step=0.1),
    Integer(1, 8),
    Integer(1, 1000, log=True),
    Integer(0, 12, step=4),
]


@pytest.mark.parametrize("distribution", EXAMPLES, ids=str)
def test_what_optuna_suggests_lies_inside_and_is_found_again(distribution: Distribution) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        param = distribution.suggest(trial, "x")
        assert trial.distributions["x"] == distribution.optuna()
        assert as_param(distribution.value_of(param)) == param


@pytest.mark.parametrize(
    ("distribution", "outside"),
    [
        (Choice((1, 2)), True),
        (Choice((True, False)), 1),
        (Real(0.0, 1.0), 1.0000001),
        (Real(0.0, 1.0), "0.5"),
        (Real(0.0, 1.0), math.nan),
        (Real(0.0, 1.0), True),
        (Real(0.0, 0.9, step=0.1), 0.25),
        (Integer(1, 8), 8.5),
        (Integer(1, 8), True),
        (Integer(0, 12, step=4), 5),
    ],
)
def test_what_lies_outside_is_refused(distribution: Distribution, outside: object) -> None:
    with pytest.raises(ValueError, match=r"is none of|lies outside|no integer|between the steps"):
        distribution.value_of(outside)


def test_a_decimal_grid_holds_the_numbers_a_user_would_write() -> None:
    assert list(Real(0.0, 0.9, step=0.1).grid()) == [
        0.0,
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
        0.6,
        0.7,
        0.8,
        0.9,
    ]


@given(low=st.integers(-50, 50), width=st.integers(0, 60), step=st.integers(1, 9))
def test_an_integer_grid_has_as_many_values_as_it_says(low: int, width: int, step: int) -> None:
    distribution = Integer(low, low + width // step * step, step=step)
    values = list(distribution.grid())
    assert len(values) == distribution.size()
    assert (values[0], values[-1]) == (distribution.low, distribution.high)


def test_a_continuous_distribution_has_no_grid() -> None:
    assert Real(0.0, 1.0).size() is None
    with pytest.raises(ValueError, match="give it a step"):
        Real(0.0, 1.0).grid()
