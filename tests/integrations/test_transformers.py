"""A script of Hugging Face's Trainer in a study: what goes on is what was never interrupted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from study.training.runtime.failures import TrainingFailure

from .interrupted import assert_same, train, train_both_ways

pytest.importorskip("study.integrations.transformers", reason="needs the extra: make integrations")
pytestmark = [
    pytest.mark.integrations,
    pytest.mark.filterwarnings("default"),  # the library warns of much that is meant
]

SCRIPT = "tests.integrations.scripts.language_model:train"
TIMES = ("runtime", "per_second", "compilation_time")


def weights_and_optimizer(state: dict[str, Any]) -> dict[str, Any]:
    """A state's files but the Trainer's record of its logs, which has times in it."""
    return {name: file for name, file in state["files"].items() if name != "trainer_state.json"}


def record(state: dict[str, Any]) -> Any:
    """The Trainer's record without what tells of the machine."""
    content = bytes(state["files"]["trainer_state.json"].tolist())
    found = json.loads(content)
    for log in found["log_history"]:
        for name in list(log):
            if name.endswith(TIMES):
                del log[name]
    return found


@pytest.mark.parametrize(
    ("config", "rows"),
    [
        pytest.param({"epochs": 3, "lr": 0.01}, 3, id="plain"),
        pytest.param(
            {"epochs": 3, "lr": 0.01, "arguments": {"eval_strategy": "no"}}, 3, id="blind"
        ),
        pytest.param(
            {
                "epochs": 2,
                "lr": 0.01,
                "arguments": {
                    "eval_strategy": "steps",
                    "eval_steps": 3,
                    "logging_strategy": "steps",
                    "logging_steps": 2,
                    "per_device_train_batch_size": 8,
                    "gradient_accumulation_steps": 2,
                },
            },
            4,
            id="evaluated within epochs",
        ),
        pytest.param(
            {
                "epochs": 9,
                "lr": 0.01,
                "stops_early": True,
                "arguments": {"metric_for_best_model": "loss"},
            },
            3,
            id="stopped early",
        ),
    ],
)
def test_a_training_that_goes_on_is_one_that_was_never_interrupted(
    config: dict[str, Any], rows: int, tmp_path: Path
) -> None:
    parts, whole = train_both_ways(SCRIPT, config, tmp_path)
    assert len(whole.rows) == rows
    assert_same(weights_and_optimizer(parts.state), weights_and_optimizer(whole.state))
    assert record(parts.state) == record(whole.state)


def test_where_the_trainer_saves_only_the_best_rows_run_ahead_of_states(tmp_path: Path) -> None:
    # Taking the highest loss for the best, it never saves again.
    best = {"metric_for_best_model": "loss", "greater_is_better": True}
    config = {"epochs": 4, "lr": 0.01, "arguments": {"save_strategy": "best", **best}}
    training = train(SCRIPT, config, tmp_path)
    losses = [float(row["eval_loss"] or 0) for row in training.rows]
    assert len(losses) == 4
    assert losses.index(max(losses)) == 0
    assert training.last["epoch"] == 1


def test_a_row_has_metrics_and_nothing_of_the_machine(tmp_path: Path) -> None:
    training = train(SCRIPT, {"epochs": 1, "lr": 0.01}, tmp_path)
    [row] = training.rows
    names = {"epoch", "loss", "grad_norm", "learning_rate", "eval_loss", "last"}
    assert row.keys() == names
    weights = training.state["files"]["model.safetensors"]
    assert isinstance(weights["transformer.wte.weight"], torch.Tensor)
    assert "training_args.bin" not in training.state["files"]


def test_replicates_differ_though_the_arguments_have_one_seed(tmp_path: Path) -> None:
    first = train(SCRIPT, {"epochs": 1, "lr": 0.01}, tmp_path / "0", seed=0)
    second = train(SCRIPT, {"epochs": 1, "lr": 0.01}, tmp_path / "1", seed=1)
    assert first.rows != second.rows


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"forgetful": True}, "the argument resume_from_checkpoint=callback.checkpoint"),
        ({"arguments": {"save_only_model": True}}, "save_only_model must not be set"),
    ],
)
def test_a_script_that_could_not_go_on_is_refused_at_once(
    config: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(TrainingFailure, match=message) as caught:
        train(SCRIPT, {"epochs": 1, "lr": 0.01} | config, tmp_path)
    assert caught.value.failure_class == "invalid"
    assert caught.value.details == {"mistake": True}
