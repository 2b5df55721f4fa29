"""A stranger's study runs none of its code before its user has said so."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from study.errors import StorageFault, Untrusted
from study.execution import lifecycle
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.run import RunOptions
from study.execution.user import trust
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath

from ...command import run as command

HOSTILE = """
from pathlib import Path

Path({mark!r}).write_text("ran")


def sampler(**options):
    import optuna

    return optuna.samplers.RandomSampler(seed=0)
"""

STUDY = """
study: theirs
objective: {metric: val_accuracy, direction: maximize}
points: 4
concurrency: 1
sampler: {name: "hostile_module:sampler"}
recipe: {model: {name: mlp}, data: {name: digits}, epochs: 1}
space: {optimizer: {one_of: {sgd: {lr: {log: [1e-3, 1e-1]}}}}}
"""


def take_up(paths: StudyPaths, **options: object) -> None:
    """Open the study as a driver does, and have its sampler propose a point."""
    with (
        RayConnection(None) as idle,
        open_study(paths, RunOptions(**options), idle) as controller,  # type: ignore[arg-type]
    ):
        controller.next()


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the study's code writes as soon as it is loaded."""
    mark = tmp_path / "ran"
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "hostile_module.py").write_text(HOSTILE.format(mark=str(mark)))
    monkeypatch.syspath_prepend(str(modules))
    return mark


@pytest.fixture
def theirs(tmp_path: Path, mark: Path, monkeypatch: pytest.MonkeyPatch) -> StudyPaths:
    """A study that another user has begun and handed over; none of its code has run here."""
    paths = StudyPaths(LocalPath(tmp_path / "theirs"), "theirs")
    paths.folder.make_folder()
    paths.spec.write_whole(STUDY)
    with monkeypatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "another-user"))
        with RayConnection(None) as idle, open_study(paths, RunOptions(trust=True), idle):
            pass
    here = tmp_path / "studies" / "theirs"
    shutil.copytree(tmp_path / "theirs" / "theirs", here)
    mark.unlink(missing_ok=True)
    return StudyPaths(LocalPath(here.parent), "theirs")


def test_code_that_nobody_vouched_for_is_named_and_not_loaded(
    theirs: StudyPaths, mark: Path
) -> None:
    with pytest.raises(Untrusted, match="hostile_module:sampler"):
        take_up(theirs)
    with pytest.raises(Untrusted):
        lifecycle.post_request(
            "theirs",
            {"do": "add", "values": {"optimizer.name": "sgd", "optimizer.lr": 0.01}},
            storage=theirs.storage,
        )
    assert not mark.exists()


def test_trust_that_was_said_once_is_remembered_for_this_study_alone(
    theirs: StudyPaths, mark: Path, tmp_path: Path
) -> None:
    take_up(theirs, trust=True)
    assert mark.exists()
    take_up(theirs)
    other = StudyPaths(LocalPath(tmp_path / "other"), "theirs")
    other.folder.make_folder()
    other.spec.write_whole(STUDY)
    with pytest.raises(Untrusted):
        take_up(other)


def test_a_name_that_came_later_is_asked_for_again(theirs: StudyPaths) -> None:
    first_record = b"the beginning of a journal"
    trust.remember(["mine:model"], first_record)
    trust.check_trusted("t", ["mine:model"], first_record)
    with pytest.raises(Untrusted, match="theirs:model") as caught:
        trust.check_trusted("t", ["mine:model", "theirs:model"], first_record)
    assert caught.value.names == ("theirs:model",)


def test_what_is_remembered_is_for_the_user_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    trust.remember(["mine:model"], b"record")
    folder = tmp_path / "configuration" / "ray-study" / "trusted"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(mark.stat().st_mode) for mark in folder.iterdir()] == [0o600]


def test_a_journal_that_its_store_does_not_list_yet_is_a_fault_of_the_storage(
    theirs: StudyPaths,
) -> None:
    theirs.journal.unlink()
    with pytest.raises(StorageFault, match=r"shows no record now; when it does: study resume"):
        trust.beginning_of(theirs)


def test_names_in_overrides_are_the_users_own() -> None:
    overrides = ["model.name=mine.models:net", "points=3", "question=see a.b:c of ours"]
    assert trust.names_written(overrides) == ("mine.models:net",)


def test_a_file_in_a_studys_folder_is_a_study(theirs: StudyPaths, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(STUDY)
    assert trust.lies_in_a_study(theirs.spec)
    assert not trust.lies_in_a_study(file)
    assert not trust.lies_in_a_study("quickstart")


def test_the_commands_refuse_without_a_terminal_and_tell_the_way(
    theirs: StudyPaths, mark: Path, tmp_path: Path
) -> None:
    where = ["--storage", str(theirs.storage)]
    commands = [
        ["resume", "theirs", *where],
        ["run", str(theirs.spec), *where],
        ["add", "theirs", "--set", "optimizer.name=sgd", "--set", "optimizer.lr=0.01", *where],
        ["preview", str(theirs.spec), "--measure"],
    ]
    for words in commands:
        done = command(tmp_path, *words, code=2)
        assert "hostile_module:sampler" in done.stderr
        assert "--trust" in done.stderr
    command(tmp_path, "preview", str(theirs.spec), code=0)
    command(tmp_path, "status", "theirs", *where, code=0)
    assert not mark.exists()
