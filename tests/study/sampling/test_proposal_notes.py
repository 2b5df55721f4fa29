"""The chance that a proposal was given, worked out by hand."""

from __future__ import annotations

import math

import optuna
import pytest

from study.sampling.proposal_notes import note_of_draw, note_without_model
from study.sampling.samplers import make_sampler
from study.spec.samplers import Tpe

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


def test_a_chance_follows_from_the_factor_and_the_share_of_better_points() -> None:
    """Twenty points of which two are the better ones: what is nine times as likely there has even
    odds.
    """
    study = optuna.create_study(direction="maximize")
    study.sampler = make_sampler(Tpe(n_startup_trials=5), 0)
    for number in range(20):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("x", 0, 1) + number)
    trial = study.ask()
    trial.suggest_float("x", 0, 1)
    sampler = study.sampler
    sampler.log_ratios = [(frozenset({"x"}), math.log(9)), (frozenset({"x", "other"}), 5.0)]
    note = note_of_draw(sampler, trial, [])
    assert note == {"by": "model", "learned_from": 20, "expected": 0.5, "among": 2}
    sampler.log_ratios = [(frozenset({"x"}), -1e4)]
    assert note_of_draw(sampler, trial, ["memory"])["expected"] == 0.0


def test_what_nothing_was_turned_down_for_is_not_noted() -> None:
    assert note_without_model("grid") == {"by": "grid", "learned_from": 0}
    assert note_without_model("random", ["require"]) == {
        "by": "random",
        "learned_from": 0,
        "redrawn": ["require"],
    }
