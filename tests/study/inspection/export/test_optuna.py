"""A study as Optuna sees it."""

from __future__ import annotations

from typing import Any

import optuna

from study.inspection.export.optuna import to_optuna


def test_optuna_sees_the_points_that_lie_in_the_space(mixed: Any) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = to_optuna(mixed.paths)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "COMPLETE", "COMPLETE", "PRUNED", "FAIL", "COMPLETE"]
    assert study.best_params == {
        "optimizer": "sgd",
        "optimizer.sgd.lr": 0.1,
        "optimizer.sgd.momentum": 0.9,
        "accumulation": 1,
    }
    assert study.trials[3].intermediate_values == {1: 0.1}
    assert study.best_trial.user_attrs["trials"] == [2, 3]
