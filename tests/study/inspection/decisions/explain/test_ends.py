"""Why a trial ended that no pruner stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import UserError
from study.files.layout import StudyPaths
from study.inspection.decisions.explain.explain import Explanations

from ....controller.studies import fails
from ....fake_cluster import Storage, controller_on, drive, small_spec
from ....fake_folder import run_into, write_folder


def test_a_whole_training_is_said_to_be_done(finished: StudyPaths) -> None:
    explanations = Explanations(finished)
    whole = next(trial for trial in explanations.history.trials if trial.state == "COMPLETE")
    told = explanations.of_trial(whole.number).tree()
    assert (told["kind"], told["state"], told["epoch"]) == ("end", "COMPLETE", 6)
    assert told["why"] == "all its epochs were done"


def test_a_failure_is_named_with_its_message(tmp_path: Path) -> None:
    spec = small_spec(pruner="none", points=4)
    paths, _ = run_into(tmp_path, spec, hurt=fails("diverged", {1}, replicate=0))
    told = Explanations(paths).of_trial(1).tree()
    assert (told["state"], told["epoch"], told["why"]) == ("FAIL", 1, "diverged: hurt")


def test_a_stop_of_the_users_is_an_end(tmp_path: Path) -> None:
    spec, storage = small_spec(pruner="none", points=4), Storage()
    controller = controller_on(storage, spec)
    work = controller.next()
    assert controller.stop_trial(0)
    drive(controller)
    told = Explanations(write_folder(tmp_path, spec, storage)).of_trial(0)
    assert work is not None
    assert told.sentence() == "Trial 0 is PRUNED after 0 epochs: the user stopped it."


def test_a_trial_without_an_outcome_says_so(tmp_path: Path) -> None:
    spec, storage = small_spec(points=4), Storage()
    controller_on(storage, spec).next()
    told = Explanations(write_folder(tmp_path, spec, storage)).of_trial(0)
    assert told.sentence() == "Trial 0 is RUNNING after 0 epochs: it has no outcome yet."


def test_a_trial_that_is_not_there_is_a_mistake(finished: StudyPaths) -> None:
    with pytest.raises(UserError, match=r"--trial must be a number below 6, .*; found 6"):
        Explanations(finished).of_trial(6)
