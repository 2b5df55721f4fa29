"""What a new study takes over from earlier ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.controller.warm_start import warm_starts
from study.errors import StudyNotFound, UserError
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.spec_versions import open_journal

from ..fake_cluster import Storage, controller_on, drive, small_spec


@pytest.fixture
def storage(tmp_path: Path) -> LocalPath:
    """A storage with one study in it, of eight points."""
    spec, memory = small_spec(points=8), Storage()
    drive(controller_on(memory, spec))
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    paths.folder.make_folder()
    paths.spec.write_whole(spec.yaml())
    journal = open_journal(paths)
    journal.append(*memory.events)
    journal.close()
    return LocalPath(tmp_path)


def warm_spec(source: str, **changes: Any) -> Any:
    return small_spec(study="warm", warm_start=[source], **changes)


def test_ended_points_are_taken_over_with_all_that_the_first_trial_has_shown(
    storage: LocalPath,
) -> None:
    (event,) = warm_starts(warm_spec("fake"), storage)
    assert event.source == "fake"
    assert (len(event.trials), event.left) == (8, 0)
    for point in event.trials:
        assert point.state in ("COMPLETE", "PRUNED")
        assert list(point.reports) == list(range(1, len(point.reports) + 1))
        if point.state == "COMPLETE":
            assert point.value == point.reports[6]


def test_points_outside_the_space_are_left_out_and_counted(storage: LocalPath) -> None:
    space = {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}}
    (event,) = warm_starts(warm_spec("fake", space=space), storage)
    assert len(event.trials) + event.left == 8
    assert {point.values["optimizer.name"] for point in event.trials} == {"sgd"}
    assert event.left > 0


def test_a_study_is_named_by_its_folder_too(storage: LocalPath) -> None:
    (event,) = warm_starts(warm_spec(str(storage / "fake")), LocalPath("elsewhere"))
    assert len(event.trials) == 8


def test_what_can_not_be_taken_over_is_an_error_of_the_user(storage: LocalPath) -> None:
    with pytest.raises(StudyNotFound, match="no study nowhere"):
        warm_starts(warm_spec("nowhere"), storage)
    other = warm_spec("fake", objective={"metric": "val_loss", "direction": "minimize"})
    with pytest.raises(UserError, match="another objective"):
        warm_starts(other, storage)


def test_points_that_break_a_rule_are_left_out_and_counted(storage: LocalPath) -> None:
    (event,) = warm_starts(warm_spec("fake", require=["optimizer.name == 'sgd'"]), storage)
    assert {point.values["optimizer.name"] for point in event.trials} == {"sgd"}
    assert len(event.trials) + event.left == 8
    assert event.left > 0
