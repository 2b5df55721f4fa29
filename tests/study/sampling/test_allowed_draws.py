"""Points that keep the rules, where the sampler has found none."""

from __future__ import annotations

from itertools import islice

from search_spaces.distributions import Integer
from search_spaces.space import Space, Variable
from study.sampling.allowed_draws import allowed_draws, first_expected

SPACE = Space((Variable("x", "x", Integer(0, 999), (), ("x",)),))


def test_they_depend_on_the_proposals_number_alone() -> None:
    drawn = [
        [values["x"] for values in islice(allowed_draws(SPACE, _is_small, 0, 0, index), 3)]
        for index in (4, 5, 4)
    ]
    assert drawn[0] == drawn[2] != drawn[1]
    assert all(value < 100 for values in drawn for value in values)


def test_there_is_one_even_where_ten_thousand_draws_have_none() -> None:
    known = [values["x"] for values in islice(allowed_draws(SPACE, _is_small, 0, 0, 0), 1)]
    asked = 0

    def late(values: dict[str, object]) -> bool:
        nonlocal asked
        asked += 1
        return asked > 10_000 and _is_small(values)

    found = next(allowed_draws(SPACE, late, 0, 0, 0))
    assert known
    assert _is_small(found)


def test_the_first_that_is_expected_to_fit_is_taken_or_the_first_of_all() -> None:
    points = [{"x": 1}, {"x": 2}, {"x": 3}]
    assert first_expected(points, lambda values: values["x"] > 1) == {"x": 2}
    assert first_expected(points, lambda values: False) == {"x": 1}


def _is_small(values: dict[str, object]) -> bool:
    return isinstance(values["x"], int) and values["x"] < 100
