"""What a study file has to pass before and while a cluster is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.cluster.submission import check_submitted, refusals_by_line
from study.errors import SpecError, UserError
from study.execution.user.prices import price_faults
from study.spec.load import load_spec

SPENDS = """\
study: dear
objective: {metric: val_accuracy}
points: 2
sampler: random
stop: {spend: 5}
recipe: {model: mlp, data: {name: digits}, epochs: 1}
space: {optimizer: {one_of: {adam: {lr: {log: [1e-4, 1e-2]}}}}}
"""
NO_PRICES = "dear.yaml:5: stop.spend: must have prices of what a trial holds; found none"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = tmp_path / "dear.yaml"
    path.write_text(SPENDS)
    return path


def test_a_budget_of_money_without_prices_is_refused_with_its_line(
    file: Path, tmp_path: Path
) -> None:
    spec = load_spec(file)
    with pytest.raises(SpecError, match=NO_PRICES):
        check_submitted(file, spec, str(tmp_path))


def test_the_settings_of_a_storage_may_name_the_prices(file: Path, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("prices: {cpu_hour: 1}")
    check_submitted(file, load_spec(file), str(tmp_path))


def test_what_the_cluster_finds_in_a_storage_that_is_not_seen_from_here_has_its_line_too(
    file: Path, tmp_path: Path
) -> None:
    spec, elsewhere = load_spec(file), str(tmp_path / "on-the-cluster")
    check_submitted(file, spec, elsewhere)
    (fault,) = price_faults(spec, elsewhere)
    with pytest.raises(SpecError, match=NO_PRICES), refusals_by_line(file, spec, elsewhere):
        raise UserError(f"the cluster refuses: {fault}")


def test_another_refusal_is_told_as_it_is(file: Path, tmp_path: Path) -> None:
    spec = load_spec(file)
    with (
        pytest.raises(UserError, match="too little room"),
        refusals_by_line(file, spec, str(tmp_path)),
    ):
        raise UserError("there is too little room")
