"""Studies that were begun when the pruner judged every seed: they go on, and end, under the rule of
then.

``old_study`` is the folder of a small one, interrupted in its middle, and ``old_outcomes.json``
holds what became of some on the fake cluster; both were written by the last version that had that
rule (3e4e20f).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.journal.events import event_of
from study.journal.failure import FAILURE_CLASSES, Failure
from study.journal.history import History
from study.journal.outcomes import survivors_value
from study.journal.spec_versions import stored_spec_file
from study.journal.trials import ENDED_STATES
from study.spec.load import load_spec

from .command import history_of, run
from .fake_cluster import Storage, controller_on, drive, small_spec
from .taking_up import take_up

HERE = Path(__file__).parent
OUTCOMES: dict[str, dict[str, Any]] = json.loads((HERE / "old_outcomes.json").read_text())
KINDS = ["out_of_memory", "diverged", "invalid", "device", "data", "timeout", "error", "node"]


def hurt(assignment: Assignment, epoch: int) -> Failure | None:
    """Failures of every class, as there were when the outcomes were recorded."""
    fails = (
        (3 * assignment.point + assignment.replicate) % 7 == 1
        and assignment.replicate < 1000
        and epoch == 2
    )
    return Failure(KINDS[assignment.point % len(KINDS)], "hurt") if fails else None


def as_told(controller: Controller) -> list[Any]:
    """What the sampler knows in the end: states, values, constraints, epochs reported."""
    trials = [trial for arm in controller.population.arms for trial in arm.proposer.study.trials]
    return [
        [
            trial.state.name,
            trial.value if trial.state.name == "COMPLETE" else None,
            sorted(trial.constraints),
            sorted(trial.intermediate_values),
        ]
        for trial in trials
    ]


@pytest.mark.parametrize("name", OUTCOMES)
def test_taken_up_in_its_middle_it_ends_exactly_as_it_would_have_ended_then(name: str) -> None:
    assert set(KINDS) < set(FAILURE_CLASSES)
    case = OUTCOMES[name]
    storage = Storage()
    storage.events = [dict(event) for event in case["events"]]
    controller = controller_on(storage, small_spec(**case["changes"]), keep_going=True)
    assert not controller.history.whole_seeds
    drive(controller, seed=1, hurt=hurt, checkpoints=dict(case["checkpoints"]))
    points = [
        [
            point.number,
            point.values,
            point.state,
            point.value,
            [
                [trial.number, trial.replicate, trial.state, trial.epochs]
                for trial in point.trials.values()
            ],
        ]
        for point in controller.history.points
    ]
    assert points == case["points"]
    assert as_told(controller) == case["told"]


@pytest.fixture(scope="module")
def taken_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the old study has been resumed to its end."""
    folder = tmp_path_factory.mktemp("old")
    shutil.copytree(HERE / "old_study", folder / "studies" / "old")
    run(folder, "resume", "old")
    return folder


def check_survivors(history: History, folder: Path, points: int) -> None:
    """Every point has its outcome, and for its value the mean of the seeds that the pruner has
    left.
    """
    from study.files.layout import StudyPaths
    from study.files.local_storage import LocalPath

    spec = load_spec(stored_spec_file(StudyPaths(LocalPath(folder / "studies"), "old")))
    assert not history.whole_seeds
    assert [point.number for point in history.points] == list(range(points))
    for point in history.points:
        assert point.state in ENDED_STATES
        if point.state == "COMPLETE":
            assert point.value == survivors_value(point, spec.objectives, None)
    assert any(len(point.seeds) == 1 for point in history.points)


def test_an_old_study_opens_with_all_that_it_holds(tmp_path: Path) -> None:
    from study.files.layout import StudyPaths
    from study.files.local_storage import LocalPath

    shutil.copytree(HERE / "old_study", tmp_path / "old")
    history, said = take_up(StudyPaths(LocalPath(tmp_path), "old"))
    assert isinstance(history, History)
    assert said == []
    assert [point.state for point in history.points[:6]] == [
        "COMPLETE",
        "PRUNED",
        *["COMPLETE"] * 4,
    ]
    assert history.points[2].seeds == (0,)


def test_an_old_study_is_resumed_to_its_end(taken_up: Path) -> None:
    history, before = history_of(taken_up, "old"), History()
    for event in json_lines(HERE / "old_study" / "journal" / "events.jsonl"):
        before.apply(event_of(event))
    check_survivors(history, taken_up, points=8)
    told = [point for point in before.points if point.state in ENDED_STATES]
    assert len(told) == 6
    for point in told:
        assert (point.value, point.seeds) == (
            history.points[point.number].value,
            history.points[point.number].seeds,
        )
    assert sum(trial.kind == "confirm" for trial in history.trials) == 2
    said = run(taken_up, "status", "old").stdout
    assert "8 of 8" in said
    assert "on fresh seeds" in said
    assert "seeds" in run(taken_up, "table", "old").stdout
    run(taken_up, "report", "old")


def test_an_old_study_is_extended_under_its_own_rule(taken_up: Path, tmp_path: Path) -> None:
    shutil.copytree(taken_up / "studies", tmp_path / "studies")
    run(tmp_path, "resume", "old", "--points", "9", "--replicates", "4")
    history = history_of(tmp_path, "old")
    check_survivors(history, tmp_path, points=9)
    seeds = [trial for trial in history.trials if trial.replicate == 3]
    assert seeds, "no point has got a further seed"
    run(tmp_path, "report", "old")


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
