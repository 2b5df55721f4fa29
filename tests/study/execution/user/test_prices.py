"""Which prices hold for a study, and what a budget of money needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.errors import SpecError, UserError
from study.execution.user.configuration import configuration_folder
from study.execution.user.prices import (
    price_faults,
    tariff_of,
    tariff_to_go_on_with,
    with_user_prices,
)
from study.journal.history import History
from study.spec.load import spec_from_tree
from study.spec.parts.tariff import Tariff
from study.spec.spec import StudySpec


def spec_with(**changes: Any) -> StudySpec:
    tree = {"study": "s", "points": 2, "space": {"optimizer": {"lr": {"log": [0.1, 1]}}}}
    return spec_from_tree(tree | changes)


@pytest.fixture
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the user's own settings, whose folder is there."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    configuration_folder().mkdir(parents=True)
    return configuration_folder() / "settings.yaml"


def test_a_study_file_s_prices_lie_over_the_user_s_and_those_over_the_storage_s(
    tmp_path: Path, own_settings: Path
) -> None:
    (tmp_path / "settings.yaml").write_text("prices: {gpu_hour: 1, cpu_hour: 1, currency: EUR}")
    own_settings.write_text("prices: {gpu_hour: 2, cpu_hour: 2}")
    spec = spec_with(prices={"gpu_hour": 3}, resources={"cpus": 2, "gpus": 0.5})
    tariff = tariff_of(spec, tmp_path)
    assert tariff == Tariff({"gpu_hour": 3, "cpu_hour": 2, "currency": "EUR"}, 2, 0.5)
    assert with_user_prices(spec).tree()["prices"] == {"gpu_hour": 3, "cpu_hour": 2}


def test_without_prices_there_is_no_tariff(tmp_path: Path, own_settings: Path) -> None:
    assert tariff_of(spec_with(), tmp_path) is None
    own_settings.write_text("{}")
    assert tariff_of(spec_with(prices={"currency": "EUR"}), tmp_path) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("prices:\n  gpu_hour: free", ":2: prices.gpu_hour: must be a finite number; found 'free'"),
        ("price: 3", ":1: price: must be a known key"),
        ("- 1", ":1: must be a mapping"),
        ("prices: [", ":1: "),
    ],
)
def test_faults_of_settings_are_told_with_their_lines(
    tmp_path: Path, own_settings: Path, text: str, fault: str
) -> None:
    own_settings.write_text(text)
    with pytest.raises(SpecError, match=r"settings\.yaml") as caught:
        tariff_of(spec_with(), tmp_path)
    assert caught.value.lines[0].startswith(f"{own_settings}{fault}")


def test_a_budget_of_money_needs_prices_of_what_a_trial_holds(
    tmp_path: Path, own_settings: Path
) -> None:
    spec = spec_with(stop={"spend": 5})
    (fault,) = price_faults(spec, tmp_path)
    assert fault.path == ("stop", "spend")
    (fault,) = price_faults(spec_with(stop={"spend": 5}, prices={"gpu_hour": 3}), tmp_path)
    assert not list(price_faults(spec_with(prices={"gpu_hour": 3}), tmp_path))
    (tmp_path / "settings.yaml").write_text("prices: {cpu_hour: 1}")
    assert not list(price_faults(spec, tmp_path))


def test_a_bill_is_paid_in_one_currency(tmp_path: Path, own_settings: Path) -> None:
    history = History(
        [
            {"event": "created", "study": "s", "format": 1, "reproducible": True, "concurrency": 1},
            {"event": "priced", "prices": {"cpu_hour": 1, "currency": "EUR"}, "cpus": 1, "gpus": 0},
            {
                "event": "asked",
                "point": 0,
                "values": {},
                "origin": "user",
                "entry": None,
                "level": None,
                "nominal": None,
                "known": True,
                "time": 1.0,
            },
            {
                "event": "started",
                "trial": 0,
                "point": 0,
                "replicate": 0,
                "seed": 0,
                "attempt": 1,
                "kind": "search",
                "epochs": 0,
                "substitutions": {},
                "time": 2.0,
            },
        ]
    )
    in_euro = spec_with(prices={"cpu_hour": 2, "currency": "EUR"})
    assert tariff_to_go_on_with(in_euro, history, tmp_path) is not None
    with pytest.raises(
        UserError, match="must be what s has been paid in; found 'USD'; accepted EUR"
    ):
        tariff_to_go_on_with(
            spec_with(prices={"cpu_hour": 2, "currency": "USD"}), history, tmp_path
        )
