from __future__ import annotations

from typing import Any

import pytest

from analysis.rendering import Table
from analysis.report.summary import _effort
from analysis.results import Results, load
from analysis.tables.effort.cost import cost_table

from ...conftest import interrupted


def column(shown: Table, name: str) -> list[Any]:
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def times(results: Results, name: str = "trial time") -> dict[str, float]:
    shown = cost_table(results)
    return dict(zip(column(shown, "state"), column(shown, name), strict=True))


def with_fresh_seeds(study: Any) -> Any:
    """The study with a confirmation of its point 1: one fresh seed that ends, one that fails."""
    study.open(2)
    trial = study.start(1, 2, kind="confirm")
    study.report(trial, 1, 0.9)
    study.time += 30
    study.finish(trial)
    study.fail(study.start(1, 3, kind="confirm"), "diverged")
    study.close(2)
    return study


def test_cost_adds_up_and_shows_what_was_repeated(mixed: Any) -> None:
    results = load(mixed.paths)
    found = times(results)
    assert sum(found.values()) == pytest.approx(2 * found["all"])
    assert found["repeated after an interruption"] == results.trials["repeated_seconds"].sum() > 0
    assert times(results, "GPU time")["all"] == pytest.approx(found["all"] / 2)
    epochs = times(results, "epochs")
    assert epochs.pop("repeated after an interruption") is None, "they stand in their trials' row"
    assert sum(epochs.values()) == 2 * epochs["all"]


def test_a_confirmation_is_a_part_of_its_own(mixed: Any) -> None:
    before = times(load(mixed.paths))
    assert "confirmation" not in before
    results = load(with_fresh_seeds(mixed).paths)
    after = times(results)
    fresh = results.trials[results.trials["kind"] == "confirm"]
    assert after["confirmation"] == fresh["wall_seconds"].sum() > 30
    assert {name: after[name] for name in before if name != "all"} == pytest.approx(
        {name: before[name] for name in before if name != "all"}
    ), "the search's parts are what they were"
    for name in ("trial time", "CPU time", "GPU time", "share"):
        parts = times(results, name)
        assert sum(parts.values()) == pytest.approx(2 * parts["all"])
    assert times(results, "trials")["confirmation"] == 2
    assert any("fresh seeds" in note for note in cost_table(results).notes)


def test_without_prices_no_money_is_told(mixed: Any) -> None:
    results = load(mixed.paths)
    assert "money" not in [header.name for header in cost_table(results).headers]
    assert "cost" not in _effort(results)


def test_money_stands_in_its_currency_and_adds_up_with_what_was_repeated_apart(make: Any) -> None:
    study = make()
    study.add(event="priced", prices={"cpu_hour": 3600, "currency": "EUR"}, cpus=1, gpus=0)
    interrupted(study)
    results = load(study.paths)
    shown = cost_table(results)
    found = times(results, "money")
    assert next(header.unit for header in shown.headers if header.name == "money") == "EUR"
    assert found["repeated after an interruption"] == results.trials["lost_money"].sum() == 22
    assert found["all"] == results.trials["money"].sum()
    assert sum(found.values()) == pytest.approx(2 * found["all"])
    assert any(note.startswith("Money:") for note in shown.notes)
    assert f"cost {found['all']:.2f} EUR (22.00 EUR of it for work done again)" in _effort(results)


def test_a_study_without_a_trial_costs_nothing(make: Any) -> None:
    assert times(load(make().paths)) == {}


def test_the_span_is_that_of_all_that_was_paid_for(mixed: Any) -> None:
    before = cost_table(load(mixed.paths)).notes[-1]
    mixed.add(event="dropped", point=0)
    assert cost_table(load(mixed.paths)).notes[-1] == before
