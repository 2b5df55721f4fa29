"""What an epoch of an own training costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import UserError
from study.execution.own_code.costs import own_costs
from study.spec.load import spec_from_tree

CODE = """
def by_width(config):
    config["epochs"] = 0
    return config["width"] * 2
def none(config):
    return None
def faulty(config):
    raise KeyError("depth")
"""


def cost(reference: str | None) -> float:
    tree = {
        "study": "s",
        "train": "a:b",
        "objective": {"metric": "m", "direction": "minimize"},
        "points": 1,
        "recipe": {"width": 4, "epochs": 3},
        "space": {"lr": {"log": [1e-3, 1]}},
    }
    spec = spec_from_tree(tree | ({"epoch_cost": reference} if reference else {}))
    training = spec.training({"lr": 0.1})
    counted = own_costs(spec)(training.subject)
    assert training.tree(0)["epochs"] == 3, "a function may change what it is handed"
    return counted


def test_a_report_costs_1_unless_the_user_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_costs_code.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert cost(None) == 1.0
    assert cost("own_costs_code:by_width") == 8.0
    with pytest.raises(UserError, match="must give a number above 0; found nothing"):
        cost("own_costs_code:none")
    with pytest.raises(UserError, match="epoch_cost: own_costs_code:faulty failed: KeyError"):
        cost("own_costs_code:faulty")
