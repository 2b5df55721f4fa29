"""What a study starts from and what is added to it, short of running it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from study.errors import StudyExists, StudyLocked, StudyNotFound, UserError
from study.execution import lifecycle
from study.execution.lifecycle import post_request, remove
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.retention.housekeeping import Housekeeping
from study.execution.run import ProgressDisplay, RunOptions
from study.files import requests
from study.files.atomic import make_folder, write_whole
from study.files.layout import StudyPaths, existing
from study.files.local_storage import LocalPath
from study.files.lock import DriverLock, acquire_lock, lock_holder, this_process
from study.files.object_storage import ObjectPath
from study.journal.extension import check_extension
from study.journal.spec_versions import begin, check_same, extend, with_newest_parts
from study.spec.load import added_values, load_spec
from study.spec.spec import StudySpec

from ..fake_cluster import small_spec


class Listener(ProgressDisplay):
    def say(self, message: str) -> None:
        raise AssertionError(message)


@pytest.fixture
def study(finished: StudyPaths, tmp_path: Path) -> StudyPaths:
    """A copy of a finished study to change."""
    shutil.copytree(finished.folder, tmp_path / "fake")
    return StudyPaths(LocalPath(tmp_path), "fake")


def test_a_point_whose_driver_went_is_added_once_though_the_command_dies_after_it(
    study: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders = iter([this_process(), ""])  # the driver goes between the two looks
    monkeypatch.setattr(lifecycle, "lock_holder", lambda lock: next(holders))

    def die(self: LocalPath, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    values = {"optimizer.name": "sgd", "optimizer.lr": 0.5}
    with monkeypatch.context() as patched:
        patched.setattr(LocalPath, "unlink", die)
        with pytest.raises(KeyboardInterrupt):
            post_request("fake", {"do": "add", "values": values}, storage=study.storage)
    assert len(requests.waiting(study)) == 1

    with RayConnection(None) as idle, open_study(study, RunOptions(), idle) as controller:
        Housekeeping(controller, study, lambda line: None).answer_requests()
        added = [point for point in controller.history.points if point.values == values]
    assert len(added) == 1
    assert requests.waiting(study) == []


def test_a_request_is_left_to_a_driver_that_has_begun_just_now(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = StudyPaths(bucket, "fake")
    begin(paths, small_spec())
    claims: list[DriverLock] = []

    def look(path: ObjectPath) -> str:
        if claims:
            return this_process()
        claims.append(acquire_lock(path))  # in the moment after the look
        return ""

    monkeypatch.setattr(lifecycle, "lock_holder", look)
    assert post_request("fake", {"do": "share", "weight": 2.0}, storage=bucket)
    (request,) = requests.waiting(paths)
    assert (request.do, request.weight) == ("share", 2.0)
    assert load_spec(paths.spec).share == 1
    assert lock_holder(paths.lock) == this_process()
    claims[0].release()
    assert lock_holder(paths.lock) == ""


def test_a_study_starts_from_what_earlier_ones_told(study: StudyPaths) -> None:
    warm = small_spec(
        study="warm",
        warm_start=["fake"],
        space={"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}},
    )
    paths = StudyPaths(study.storage, "warm")
    make_folder(paths.folder)
    write_whole(paths.spec, warm.yaml())
    with RayConnection(None) as idle, open_study(paths, RunOptions(), idle) as controller:
        (warm_start,) = controller.history.warm_starts
        source, taken, left = warm_start.source, len(warm_start.trials), warm_start.left
        told = controller.population.arms[0].proposer.study.trials
    assert source == "fake"
    assert taken + left == 6
    assert left > 0, "points of a branch that this space lacks are left out"
    assert [trial.state.name for trial in told].count("COMPLETE") > 0
    assert len(told) == taken


def test_a_missing_earlier_study_is_named(study: StudyPaths) -> None:
    paths = StudyPaths(study.storage, "warm")
    make_folder(paths.folder)
    write_whole(paths.spec, small_spec(study="warm", warm_start=["nowhere"]).yaml())
    opening = open_study(paths, RunOptions(), RayConnection(None))
    with pytest.raises(StudyNotFound, match="warm_start: no study nowhere"):
        opening.__enter__()


def test_a_point_of_the_users_own_is_next(study: StudyPaths) -> None:
    values, lies_in_space = added_values(
        load_spec(study.spec), ["optimizer.name=adam", "optimizer.lr=0.01"]
    )
    assert lies_in_space
    assert values["optimizer.lr"] == 0.01
    assert post_request("fake", {"do": "add", "values": values}, storage=study.storage) is False
    with (
        RayConnection(None) as idle,
        open_study(study, RunOptions(accept_loss=True), idle) as controller,
    ):
        assert controller.history.points[6].origin == "user"
        assert not controller.is_nothing_left()
        assert controller.next().point == 6  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["optimizer.lr", "=3", "optimizer.lr=[1"])
def test_a_point_that_cannot_be_read_is_refused(study: StudyPaths, text: str) -> None:
    with pytest.raises(UserError, match="--set"):
        added_values(load_spec(study.spec), [text])


def test_a_point_that_breaks_a_rule_is_refused_by_its_name(tmp_path: Path) -> None:
    paths = StudyPaths(LocalPath(tmp_path), "ruled")
    paths.folder.make_folder()
    rule = "optimizer.lr * accumulation <= 0.4"
    write_whole(paths.spec, small_spec(study="ruled", require=[rule]).yaml())
    study = load_spec(paths.spec)
    values, _ = added_values(study, ["optimizer.name=sgd", "optimizer.lr=0.3"])
    assert values["optimizer.lr"] == 0.3
    with pytest.raises(
        UserError, match=re.escape(f"must keep require: {rule}; found optimizer.lr")
    ):
        added_values(study, ["optimizer.name=sgd", "optimizer.lr=0.3", "accumulation=2"])


def test_a_request_that_can_not_be_removed_leaves_no_lock_behind(
    study: StudyPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: LocalPath, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system", str(path))

    holders = iter(["a driver that is about to leave", ""])
    with monkeypatch.context() as patch:
        patch.setattr(lifecycle, "lock_holder", lambda path: next(holders))
        patch.setattr(LocalPath, "unlink", refuse)
        with pytest.raises(OSError, match="Read-only"):
            post_request("fake", {"do": "stop"}, storage=study.storage)
    acquire_lock(study.lock).release()


def test_a_study_is_extended_only_by_what_contradicts_nothing(study: StudyPaths) -> None:
    old = load_spec(study.spec)
    with RayConnection(None) as idle, open_study(study, RunOptions(), idle) as controller:
        history = controller.history
    check_extension(
        old, load_spec(study.spec, sets=["points=20", "replicates=3", "stop.target=0.99"]), history
    )
    for change, why in [
        ("points=3", "6 are proposed already"),
        ("sampler.seed=4", "sampler.seed: 0 -> 4"),
        ("recipe.data.batch_size=32", "recipe.data.batch_size"),
        ("recipe.epochs=3", "recipe.epochs: can only grow"),
        ("space.optimizer.one_of.sgd.lr.log=[0.5, 1]", "no longer lies in it"),
    ]:
        with pytest.raises(UserError, match="can't be extended") as refused:
            check_extension(old, load_spec(study.spec, sets=[change]), history)
        assert why in str(refused.value)


def test_an_extension_keeps_every_version_of_the_spec(study: StudyPaths) -> None:
    before = study.spec.read_text()
    extend(study, load_spec(study.spec, points=9))
    assert study.spec_version(1).read_text() == before
    assert study.spec_version(2).read_text() == study.spec.read_text() != before
    with (
        RayConnection(None) as idle,
        open_study(study, RunOptions(display=Listener()), idle) as controller,
    ):
        assert controller.spec.points == 9
        assert controller.history.specs[-1].changes == ["points: 6 -> 9"]


def test_names_are_looked_for_and_cannot_leave_the_storage(study: StudyPaths) -> None:
    assert existing("fake", study.storage).folder == study.folder
    with pytest.raises(StudyNotFound, match="did you mean fake"):
        existing("fakee", study.storage)
    for name in ("../fake", "/etc", "", ".hidden", "a/b", "A"):
        with pytest.raises(UserError):
            existing(name, study.storage)


def test_the_same_study_is_told_from_another(study: StudyPaths) -> None:
    check_same(load_spec(study.spec), study)
    with pytest.raises(StudyExists, match="points: 6 -> 7"):
        check_same(load_spec(study.spec, points=7), study)


def test_a_pruner_left_open_is_no_other_study(study: StudyPaths) -> None:
    """Whatever ``auto`` was when the study began."""
    check_same(load_spec(study.spec, sets=["pruner=auto"]), study)
    with pytest.raises(StudyExists, match="pruner"):
        check_same(load_spec(study.spec, sets=["pruner=hyperband"]), study)


def test_another_price_is_no_other_study_and_the_newest_holds(study: StudyPaths) -> None:
    spec = load_spec(study.spec)
    assert with_newest_parts(study, spec) is None
    newest = load_spec(study.spec, sets=["prices={cpu_hour: 2, currency: EUR}"])
    check_same(newest, study)
    assert with_newest_parts(study, newest) == replace(spec, prices=newest.prices)
    with pytest.raises(StudyExists, match="points: 6 -> 7") as caught:
        check_same(load_spec(study.spec, sets=["prices.cpu_hour=2"], points=7), study)
    assert "prices" not in str(caught.value)


def test_a_removed_study_is_gone(study: StudyPaths) -> None:
    remove("fake", storage=study.storage)
    assert not study.folder.exists()


def test_of_two_runs_of_different_files_of_one_name_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have found no study of that name; the other one then begins it first."""
    mine, theirs = small_spec(points=3), small_spec(points=4)
    paths = StudyPaths(LocalPath(tmp_path), "fake")

    def meanwhile(spec: StudySpec, nodes: object, where: str) -> StudySpec:
        lock = acquire_lock(paths.lock)
        begin(paths, theirs)
        lock.release()
        return spec

    monkeypatch.setattr(lifecycle, "resolve_concurrency", meanwhile)
    with pytest.raises(StudyExists, match="points"):
        lifecycle.run(mine, storage=tmp_path)
    assert load_spec(paths.spec).points == 4


def test_a_running_study_is_given_more_points_and_never_fewer(study: StudyPaths) -> None:
    extend(study, load_spec(study.spec, points=9))
    lock = acquire_lock(study.lock)
    try:
        with pytest.raises(UserError, match="--points must be at least 9 while fake runs"):
            lifecycle.extend("fake", storage=study.storage, points=8)
        assert requests.waiting(study) == []
        lifecycle.extend("fake", storage=study.storage, points=10)
        assert [asked.counts for asked in requests.waiting(study)] == [{"points": 10}]
    finally:
        lock.release()


def test_a_run_beside_one_that_begins_the_study_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    monkeypatch.setattr(lifecycle, "resolve_concurrency", lambda spec, nodes, where: spec)
    lock = acquire_lock(paths.lock)
    with pytest.raises(StudyLocked):
        lifecycle.run(small_spec(points=3), storage=tmp_path)
    assert not paths.spec.exists()
    lock.release()


def test_a_claim_is_no_leave_to_remove(bucket: ObjectPath) -> None:
    paths = StudyPaths(bucket, "fake")
    begin(paths, small_spec())
    claim = acquire_lock(paths.lock)
    with pytest.raises(StudyLocked, match=this_process()):
        remove("fake", storage=bucket)
    assert paths.spec.exists()
    claim.release()
    remove("fake", storage=bucket)
    assert list(bucket.objects_below()) == []
