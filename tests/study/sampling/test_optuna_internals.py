"""What is used of Optuna without its promise: each is looked for in the installed Optuna."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from study.sampling.optuna_internals import (
    FilteredStorage,
    NotingTPESampler,
    drop_relative_params,
    study_id,
    violate_constraint,
)
from study.sampling.samplers import make_sampler
from study.spec.samplers import Tpe

LEARNING_RATE = optuna.distributions.FloatDistribution(1e-4, 1.0, log=True)


pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def study_in(storage: InMemoryStorage, **options: Any) -> optuna.Study:
    return optuna.create_study(storage=storage, direction="maximize", **options)


def numbers(trials: list[FrozenTrial]) -> list[int]:
    return [trial.number for trial in trials]


def test_a_study_knows_the_number_that_its_storage_has_for_it() -> None:
    storage = InMemoryStorage()
    study = study_in(storage)
    other = optuna.create_study(storage=storage, study_name="other")
    assert storage.get_study_name_from_id(study_id(study)) == study.study_name
    assert storage.get_study_name_from_id(study_id(other)) == "other"
    running = create_trial(
        state=TrialState.RUNNING, params={"lr": 0.1}, distributions={"lr": LEARNING_RATE}
    )
    storage.create_new_trial(study_id(study), template_trial=running)
    assert [trial.state for trial in study.trials] == [TrialState.RUNNING]


def asked_of_tpe() -> tuple[optuna.Study, int]:
    """A trial of TPE's that still runs, after enough others for TPE to draw it itself."""
    study = study_in(InMemoryStorage(), sampler=make_sampler(Tpe(n_startup_trials=2), 0))
    for _ in range(4):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("lr", 1e-4, 1.0, log=True))
    trial = study.ask()
    trial.suggest_float("lr", 1e-4, 1.0, log=True)
    return study, trial._trial_id


def test_tpe_notes_at_a_running_trial_what_it_drew_and_an_empty_note_counts_as_none() -> None:
    study, trial_id = asked_of_tpe()
    storage = study._storage
    notes = storage.get_trial_system_attrs(trial_id)
    assert any(key.startswith("tpe:relative_params") and text for key, text in notes.items())
    storage.set_trial_system_attr(trial_id, "tpe:relative_params:0", '{"phantom": 1.0}')
    assert "phantom" in study.sampler._get_params(storage.get_trial(trial_id), study)
    drop_relative_params(storage, trial_id)
    trial = storage.get_trial(trial_id)
    assert study.sampler._get_params(trial, study) == trial.params


def test_a_violated_constraint_is_one_to_optuna() -> None:
    storage = InMemoryStorage()
    study = study_in(storage)
    trial = study.ask()
    violate_constraint(storage, trial._trial_id, "fits_in_memory")
    study.tell(trial, state=TrialState.PRUNED)
    (told,) = study.trials
    assert told.constraints == {"fits_in_memory": 1.0}


def test_a_study_gets_all_its_trials_through_its_storage() -> None:
    storage = FilteredStorage()
    study = study_in(storage)
    for value in range(3):
        study.tell(study.ask(), float(value))
    assert numbers(study.trials) == [0, 1, 2]
    storage.is_shown = lambda trial: trial.number != 1
    assert numbers(study.get_trials()) == [0, 2]
    assert numbers(study.get_trials(states=(TrialState.COMPLETE,))) == [0, 2]
    assert numbers(study.get_trials(states=(TrialState.RUNNING,))) == []
    assert study.best_trial.number == 2


def test_running_trials_count_as_complete_where_the_storage_says_so() -> None:
    storage = FilteredStorage()
    study = study_in(storage)
    for _ in range(3):
        storage.create_new_trial(study_id(study))
    storage.is_complete = lambda trial: trial.number == 2
    storage.is_shown = lambda trial: trial.number > 0
    assert numbers(study.get_trials(states=(TrialState.COMPLETE,))) == [2]
    assert numbers(study.get_trials(states=(TrialState.RUNNING,))) == [1, 2]
    assert numbers(study.get_trials()) == [1, 2]


def test_the_pruners_ask_their_study_for_trials() -> None:
    """A median of trials that are hidden would stop this one; shown none, it goes on."""
    storage = FilteredStorage()
    pruner = optuna.pruners.MedianPruner(n_startup_trials=1, n_warmup_steps=0)
    study = study_in(storage, pruner=pruner)
    for value in (0.9, 0.8, 0.1):
        trial_id = storage.create_new_trial(study_id(study))
        storage.set_trial_intermediate_value(trial_id, 1, value)
    last = storage.get_trial(trial_id)
    storage.is_complete = lambda trial: True
    storage.is_shown = lambda trial: trial.number < 2
    assert pruner.prune(study, last)
    storage.is_shown = lambda trial: False
    assert not pruner.prune(study, last)


def test_noting_what_tpe_thinks_of_its_draws_changes_none_of_them() -> None:
    """The noted factor is that of the candidate that it took, by the densities that it asks."""
    drawn: list[list[float]] = []
    for sampler_class in (NotingTPESampler, optuna.samplers.TPESampler):
        study = study_in(InMemoryStorage())
        values = []
        for number in range(20):
            study.sampler = sampler_class(n_startup_trials=5, seed=number, multivariate=True)
            trial = study.ask()
            values.append(trial.suggest_float("lr", 1e-4, 1.0, log=True))
            study.tell(trial, -abs(values[-1] - 0.1))
        drawn.append(values)
        if isinstance(study.sampler, NotingTPESampler):
            ((names, log_ratio),) = study.sampler.log_ratios
            assert names == {"lr"}
            assert log_ratio > 0
            assert study.sampler.count_better(19) == 2
    assert drawn[0] == drawn[1]
