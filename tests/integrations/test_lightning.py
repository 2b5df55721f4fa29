"""A Lightning script in a study: what goes on is what was never interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.training.runtime.failures import TrainingFailure

from .interrupted import assert_same, train, train_both_ways

pytest.importorskip("study.integrations.lightning", reason="needs the extra: make integrations")
pytestmark = [
    pytest.mark.integrations,
    pytest.mark.filterwarnings("default"),  # the library warns of much that is meant
]

SCRIPT = "tests.integrations.scripts.lightning_net:train"


@pytest.mark.parametrize(
    ("config", "rows"),
    [
        pytest.param({"epochs": 3, "lr": 0.01}, 3, id="plain"),
        pytest.param({"epochs": 3, "lr": 0.01, "own_generator": True}, 3, id="own generator"),
        pytest.param({"epochs": 2, "lr": 0.01, "loaders": 2}, 2, id="loading processes"),
        pytest.param({"epochs": 9, "lr": 0.01, "patience": 2}, 3, id="stopped early"),
        pytest.param(
            {"epochs": 5, "lr": 0.01, "trainer": {"check_val_every_n_epoch": 2}},
            2,
            id="validated each second epoch",
        ),
        pytest.param(
            {
                "epochs": 3,
                "lr": 0.01,
                "trainer": {"accumulate_grad_batches": 3, "val_check_interval": 0.5},
            },
            3,
            id="validated twice an epoch",
        ),
        pytest.param(
            {"epochs": -1, "lr": 0.01, "trainer": {"max_steps": 25}}, 3, id="counted in steps"
        ),
        pytest.param(
            {
                "epochs": 2,
                "lr": 0.01,
                "monitored": "train/loss",
                "trainer": {"limit_val_batches": 0},
            },
            2,
            id="not validated",
        ),
    ],
)
def test_a_fit_that_goes_on_is_one_that_was_never_interrupted(
    config: dict[str, Any], rows: int, tmp_path: Path
) -> None:
    parts, whole = train_both_ways(SCRIPT, config, tmp_path)
    assert len(whole.rows) == rows
    assert_same(parts.state, whole.state)


def test_a_row_has_what_was_logged_by_names_that_a_study_takes(tmp_path: Path) -> None:
    [row] = train(SCRIPT, {"epochs": 1, "lr": 0.01}, tmp_path).rows
    assert row.keys() == {"epoch", "train_loss", "val_loss", "val_acc", "norm", "last"}


def test_replicates_differ(tmp_path: Path) -> None:
    first = train(SCRIPT, {"epochs": 1, "lr": 0.01}, tmp_path / "0", seed=0)
    second = train(SCRIPT, {"epochs": 1, "lr": 0.01}, tmp_path / "1", seed=1)
    assert first.rows != second.rows


def test_a_script_that_could_not_go_on_is_refused_at_once(tmp_path: Path) -> None:
    message = "must be given the argument ckpt_path=callback.ckpt_path"
    with pytest.raises(TrainingFailure, match=message) as caught:
        train(SCRIPT, {"epochs": 1, "lr": 0.01, "forgetful": True}, tmp_path)
    assert caught.value.failure_class == "invalid"
    assert caught.value.details == {"mistake": True}
