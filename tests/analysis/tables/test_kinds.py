from __future__ import annotations

from typing import Any

import pytest

from analysis.results import Results, load
from analysis.tables.kinds import KINDS, make_kind
from study.errors import UserError


@pytest.fixture
def results(mixed: Any) -> Results:
    return load(mixed.paths)


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_of_a_study_without_results_says_so_without_failing(
    make: Any, kind: str
) -> None:
    study = make()
    from analysis.tables.kinds import make_kind as table_of

    assert table_of(kind, load(study.paths)).text()


def test_an_unknown_kind_is_met_with_the_kinds(results: Results) -> None:
    with pytest.raises(UserError, match=r"leaderboard \| .*did you mean cost"):
        make_kind("costs", results)
