"""A study is driven, here with an executor that has no Ray: what each way to its end leaves."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.controller.controller import Controller
from study.errors import (
    OutsideFault,
    RayFault,
    StateLost,
    StorageFault,
    StudyLocked,
    Superseded,
    UserError,
)
from study.execution import driver, provenance
from study.execution.driver import drive
from study.execution.live_progress import LiveProgress
from study.execution.on_ray import tune_executor
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.on_ray.tune_bridge import ExecutorOptions
from study.execution.on_ray.watching.ray_watch import RayLost
from study.execution.run import ProgressDisplay, RunOptions
from study.files import requests
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.lock import acquire_lock
from study.files.object_storage import ObjectPath
from study.files.trial_files import CheckpointFile
from study.inspection.status import status_of
from study.journal.failure import Failure
from study.journal.ranking import best_point
from study.journal.spec_versions import extend
from study.results import parquet
from study.results.summary.making import summary_of
from study.results.summary.summary_file import read_summary
from study.spec.load import load_spec
from study.spec.spec import StudySpec

from ..fake_cluster import drive as run_trials
from ..fake_cluster import small_spec

Execute = Callable[[Controller], None]


class Display(ProgressDisplay):
    """Notes what it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.is_gone = False
        """Whether nobody reads it any more."""

    def begin(self, spec: StudySpec, controller: Controller, live: LiveProgress) -> None:
        self.calls.append("begin")

    def say(self, message: str) -> None:
        self.calls.append(message)
        if self.is_gone:
            raise BrokenPipeError(32, "Broken pipe")

    def end(self) -> None:
        self.calls.append("end")


class Study:
    """A study in a folder whose trials a stand-in for the executor runs."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths = StudyPaths(LocalPath(folder), "fake")
        self.paths.folder.make_folder()
        self.paths.spec.write_whole(small_spec(points=3, pruner="none").yaml())
        self.display = Display()
        self.execute: Execute = run_trials
        self.options: list[ExecutorOptions] = []
        self.on_tick: Callable[[], None] = lambda: None
        self.say: Callable[[str], None] = lambda line: None
        monkeypatch.setattr(RayConnection, "connect", lambda self, *args, **options: None)
        monkeypatch.setattr("study.execution.open_run.count_own_rays", lambda: 0)
        monkeypatch.setattr(RayConnection, "node_resources", lambda self: [{"CPU": 1.0}])
        monkeypatch.setattr(tune_executor, "load_tune", lambda: None)
        monkeypatch.setattr(tune_executor, "execute_trials", self._execute)

    def _execute(
        self,
        controller: Controller,
        options: ExecutorOptions,
        on_tick: Any,
        say: Any,
        live: LiveProgress,
    ) -> None:
        self.options.append(options)
        self.say = say
        on_tick()
        self.on_tick = on_tick
        self.execute(controller)

    def drive(self, **changes: Any) -> driver.RunResult:
        return drive(self.paths, RunOptions(display=self.display), **changes)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    return Study(tmp_path, monkeypatch)


def fail(controller: Controller) -> None:
    run_trials(controller, hurt=lambda assignment, epoch: Failure("error", "mine"))


def test_a_study_runs_to_its_tables_and_is_not_run_again(study: Study) -> None:
    result = study.drive()
    assert (result.reason, result.exit_code) == ("complete", 0)
    assert study.display.calls == ["begin", "end"]
    assert study.options[0].concurrency == 1, "two are asked for, and one has room"
    assert (study.paths.results / "trials.parquet").exists()
    again = study.drive()
    assert (again.reason, again.exit_code) == ("complete", 0)
    assert len(again.history.sessions) == 1
    assert len(study.options) == 1


def test_whole_tables_of_a_complete_study_stay_and_damaged_ones_are_made_again(
    study: Study,
) -> None:
    study.drive()
    table = study.paths.results / "trials.parquet"
    whole, written = table.read_bytes(), table.stat().st_mtime_ns
    study.drive()
    assert table.stat().st_mtime_ns == written
    table.write_bytes(whole[: len(whole) // 2])
    study.drive()
    assert table.read_bytes() == whole


def test_tables_of_a_complete_study_have_what_is_recorded_while_it_is_looked_over(
    study: Study, bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.paths = StudyPaths(bucket / "studies", "fake")
    study.paths.spec.write_whole(small_spec(points=3, pruner="none").yaml())
    study.drive()
    spec = load_spec(study.paths.spec)

    def change_meanwhile(*_: object) -> None:
        extend(study.paths, replace(spec, share=2.0))

    monkeypatch.setattr(provenance, "write", change_meanwhile)
    assert study.drive().reason == "complete"
    assert parquet.read_tables(study.paths) is not None


def test_one_that_is_interrupted_goes_on(study: Study) -> None:
    study.execute = lambda controller: os.kill(os.getpid(), signal.SIGTERM)
    before = signal.getsignal(signal.SIGTERM)
    result = study.drive()
    assert signal.getsignal(signal.SIGTERM) is before
    assert (result.reason, result.exit_code) == ("interrupted", 130)
    study.execute = run_trials
    assert study.drive().reason == "complete"


def test_a_second_ctrl_c_ends_it_at_once(study: Study) -> None:
    def press_twice(controller: Controller) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        assert controller.stopping == "interrupted"
        os.kill(os.getpid(), signal.SIGINT)

    study.execute = press_twice
    with pytest.raises(KeyboardInterrupt):
        study.drive()
    assert study.display.calls[-1] == "end"
    acquire_lock(study.paths.lock).release()


def test_one_that_is_asked_to_stop_with_its_last_trial_is_complete(study: Study) -> None:
    def run_all_and_press(controller: Controller) -> None:
        run_trials(controller)
        os.kill(os.getpid(), signal.SIGINT)

    study.execute = run_all_and_press
    result = study.drive()
    assert (result.reason, result.exit_code) == ("complete", 0)
    assert status_of(study.paths)["state"] == "complete"


def test_ctrl_c_while_a_complete_study_is_looked_over_changes_nothing(
    study: Study, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    study.drive()
    write = provenance.write

    def press_and_write(*given: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        write(*given)

    monkeypatch.setattr(provenance, "write", press_and_write)
    assert study.drive().reason == "complete"
    assert "the study has ended and is being closed" in capfd.readouterr().err


def test_where_nothing_has_failed_nothing_is_run_again(study: Study) -> None:
    study.drive()
    with pytest.raises(UserError, match="no trial has failed: there is nothing to run again"):
        study.drive(retry_all=True)
    assert len(study.options) == 1


TAMPERINGS: dict[str, Callable[[StudyPaths], object]] = {
    "removed": lambda paths: paths.folder.remove_tree(),
    "truncated": lambda paths: os.truncate(str(paths.journal), 0),
    "appended to": lambda paths: os.truncate(str(paths.journal), 100_000),
    "moved away": lambda paths: Path(str(paths.folder)).rename(str(paths.storage / "moved")),
    "its lock removed": lambda paths: paths.lock.unlink(),
    "its lock replaced": lambda paths: paths.lock.write_whole("process 1 on elsewhere"),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_driver_stops_at_its_next_record_once_the_study_is_no_longer_its_own(
    study: Study, what: str
) -> None:
    recorded: list[Controller] = []

    def tamper(controller: Controller) -> None:
        TAMPERINGS[what](study.paths)
        left = sorted(study.paths.storage.files_below())
        try:
            run_trials(controller)
        finally:
            recorded.append(controller)
            assert sorted(study.paths.storage.files_below()) == left

    study.execute = tamper
    with pytest.raises((StateLost, Superseded), match=str(study.paths.folder)) as caught:
        study.drive()
    assert caught.value.exit_code == 3
    assert len(str(caught.value).splitlines()) == 1
    if what in ("removed", "moved away"):
        assert not study.paths.folder.exists()


def test_a_driver_that_only_waits_notices_that_its_study_was_removed(study: Study) -> None:
    def remove(controller: Controller) -> None:
        study.paths.folder.remove_tree()
        for _ in range(100):
            study.on_tick()
            time.sleep(0.05)

    study.execute = remove
    with pytest.raises(Superseded, match="lock was removed"):
        study.drive()
    assert not study.paths.folder.exists()


def test_failed_trials_run_again_when_they_are_asked_for(study: Study) -> None:
    study.execute = fail
    with pytest.raises(OutsideFault, match="mine"):
        study.drive()
    study.execute = run_trials
    with pytest.raises(UserError, match="trial 9 has not failed; failed trials: "):
        study.drive(retried=[9])
    result = study.drive(retry_all=True)
    assert any("failed trials run again" in call for call in study.display.calls)
    assert [point.state for point in result.history.points] == ["COMPLETE"] * 3
    assert result.history.sessions[-1].reason == "complete"


def test_a_storage_that_fails_is_a_fault_of_one_line(study: Study) -> None:
    def lose_storage(controller: Controller) -> None:
        controller.stopping = "fault"

    study.execute = lose_storage
    with pytest.raises(StorageFault, match="can't be written; when it can: study resume fake"):
        study.drive()

    def refuse(controller: Controller) -> None:
        raise OSError(28, "No space left on device", "/full")

    study.execute = refuse
    with pytest.raises(OutsideFault, match=r"/full: No space left on device; when that is mended"):
        study.drive()


def test_a_study_that_has_a_driver_is_left_to_it(study: Study) -> None:
    lock = acquire_lock(study.paths.lock)
    with pytest.raises(StudyLocked):
        study.drive()
    lock.release()
    assert study.display.calls == []


def test_a_driver_that_follows_another_waits_for_its_lock(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = acquire_lock(study.paths.lock)
    saying = study.display.say

    def release_then_say(message: str) -> None:
        lock.release()
        saying(message)

    monkeypatch.setattr(study.display, "say", release_then_say)
    monkeypatch.setenv(driver.LOCK_PATIENCE, "60")
    monkeypatch.setattr(driver, "_LOCK_POLL_S", 0.01)
    assert study.drive().reason == "complete"
    assert study.display.calls[0].startswith("waiting for the lock of process")


def test_a_second_study_on_a_machine_says_that_they_do_not_share_it(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.execution.open_run.count_own_rays", lambda: 1)
    study.drive()
    (line,) = [call for call in study.display.calls if "another study" in call]
    assert "another study runs on this machine: studies don't share its" in line
    assert line.endswith("--set concurrency=N leaves room")


def test_a_study_without_room_for_a_trial_is_refused_before_it_executes(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RayConnection, "node_resources", lambda self: [{"CPU": 0.5}])
    with pytest.raises(UserError, match=r"wants 1 CPUs, and this machine has 0\.5 CPUs"):
        study.drive()
    assert study.options == []
    result = drive(study.paths, RunOptions(wait_for_nodes=True))
    assert result.reason == "complete"
    assert study.options[0].concurrency == 2


ADD = {"do": "add", "values": {"optimizer.name": "sgd", "optimizer.lr": 0.5}}


def test_a_study_goes_on_where_nobody_reads_its_output_any_more(study: Study) -> None:
    study.display.is_gone = True

    def say_and_run(controller: Controller) -> None:
        study.say("a line")
        run_trials(controller)

    study.execute = say_and_run
    assert study.drive().reason == "complete"
    assert study.display.calls == ["begin", "a line"]


def test_what_was_asked_of_a_complete_study_is_done_when_it_is_taken_up(study: Study) -> None:
    study.drive()
    requests.post(study.paths, ADD)
    result = study.drive()
    assert [point.state for point in result.history.points] == ["COMPLETE"] * 4
    assert requests.waiting(study.paths) == []


def test_what_is_asked_while_a_study_ends_is_done(study: Study) -> None:
    def ask_at_the_end(controller: Controller) -> None:
        run_trials(controller)
        if len(study.options) == 1:
            requests.post(study.paths, ADD)

    study.execute = ask_at_the_end
    result = study.drive()
    assert [point.state for point in result.history.points] == ["COMPLETE"] * 4


def ask_after_the_last_look(
    study: Study, monkeypatch: pytest.MonkeyPatch, *asked: dict[str, Any]
) -> None:
    """Have somebody ask for this when the study's first session has been closed."""
    write = parquet.write_tables

    def write_and_be_asked(*args: Any, **options: Any) -> None:
        write(*args, **options)
        monkeypatch.setattr(parquet, "write_tables", write)
        for request in asked:
            requests.post(study.paths, request)

    monkeypatch.setattr(parquet, "write_tables", write_and_be_asked)


def test_what_is_asked_after_the_last_look_is_done(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_after_the_last_look(study, monkeypatch, ADD)
    result = study.drive()
    assert [point.state for point in result.history.points] == ["COMPLETE"] * 4


def test_a_stop_after_the_last_look_is_followed(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_after_the_last_look(study, monkeypatch, ADD, {"do": "stop"})
    result = study.drive()
    assert (result.reason, result.exit_code) == ("interrupted", 130)
    states = [point.state for point in result.history.points]
    assert states == ["COMPLETE"] * 3 + ["WAITING"], "the point is on record, and doesn't run"
    assert requests.waiting(study.paths) == []
    assert [point.state for point in study.drive().history.points] == ["COMPLETE"] * 4


def test_what_is_asked_after_a_study_has_reached_its_target_is_recorded(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.paths.spec.write_whole(small_spec(points=3, pruner="none", stop={"target": 0.0}).yaml())
    ask_after_the_last_look(study, monkeypatch, ADD)
    result = study.drive()
    assert result.reason == "target"
    assert [point.origin for point in result.history.points][-1] == "user"
    assert requests.waiting(study.paths) == []


@pytest.mark.parametrize(("reason", "limits"), [("complete", {}), ("target", {"target": 0.0})])
def test_a_stop_of_a_study_that_has_just_ended_changes_nothing(
    study: Study, monkeypatch: pytest.MonkeyPatch, reason: str, limits: dict[str, Any]
) -> None:
    study.paths.spec.write_whole(small_spec(points=3, pruner="none", stop=limits).yaml())
    ask_after_the_last_look(study, monkeypatch, {"do": "stop"})
    result = study.drive()
    assert result.reason == reason
    assert [session.reason for session in result.history.sessions] == [reason]
    assert requests.waiting(study.paths) == []


def test_a_stop_of_a_study_that_another_has_taken_up_is_left_to_it(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask_after_the_last_look(study, monkeypatch, {"do": "stop"})
    monkeypatch.setattr(driver, "lock_holder", lambda lock: "process 1 on elsewhere")
    assert study.drive().reason == "complete"
    assert len(requests.waiting_stops(study.paths)) == 1


def test_only_what_stopped_an_earlier_driver_is_discarded(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests.post(study.paths, {"do": "stop"})
    taking = driver.open_study

    def be_asked_meanwhile(*args: Any) -> Any:
        requests.post(study.paths, {"do": "stop"})
        return taking(*args)

    assert study.drive().reason == "complete"
    requests.post(study.paths, ADD)
    monkeypatch.setattr(driver, "open_study", be_asked_meanwhile)
    result = study.drive()
    assert result.reason == "interrupted"
    assert requests.waiting_stops(study.paths) == []


def test_a_lost_ray_is_followed_by_another_and_then_by_the_way_to_resume(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    restarted: list[object] = []

    def lose_ray(controller: Controller) -> None:
        raise RayLost("study resume fake", "Ray's process raylet has ended")

    study.execute = lose_ray
    monkeypatch.setattr(RayConnection, "restart", lambda self: restarted.append(self))
    with pytest.raises(RayFault, match="raylet has ended; when that is mended: study resume fake"):
        study.drive()
    assert len(restarted) == 2
    study.execute = run_trials
    result = study.drive()
    assert [session.reason for session in result.history.sessions] == ["fault", "complete"]


def test_a_driver_leaves_a_summary_of_all_that_is_on_record(study: Study) -> None:
    history = study.drive().history
    stored = read_summary(study.paths)
    assert stored is not None
    assert stored.summary == summary_of(history, load_spec(study.paths.spec))
    study.paths.summary.unlink()
    assert study.drive().reason == "complete"  # there was nothing to do
    assert read_summary(study.paths) == stored


def test_what_killed_drivers_left_of_their_writes_is_removed(study: Study) -> None:
    study.drive()
    left = [
        study.paths.folder / ".study.yaml.x1y2",
        study.paths.folder / ".study.2.yaml.x1y2",
        study.paths.folder / ".provenance.json.x1y2",
        study.paths.folder / ".summary.json.x1y2",
        study.paths.results / ".trials.parquet.x1y2",
        study.paths.epochs_table / ".part-00000.parquet.x1y2",
    ]
    for path in left:
        path.write_whole("x")
    extension = replace(load_spec(study.paths.spec), points=4)
    assert study.drive(extension=extension).reason == "complete"
    assert [path for path in left if path.exists()] == []


def test_checkpoints_that_a_complete_study_need_not_keep_are_removed_when_it_is_run_again(
    study: Study,
) -> None:
    history = study.drive().history
    best = best_point(history.points, load_spec(study.paths.spec), whole_seeds=True)
    assert best is not None
    left = study.paths.checkpoints((best.number + 1) % 3, 0)
    left.make_folder()
    (left / CheckpointFile(1, 6).name).write_whole("from a worker that outlived its driver")
    assert study.drive().reason == "complete"
    assert list(left.files_below()) == []


def test_a_provenance_that_a_killed_driver_left_behind_is_brought_up_to_date(study: Study) -> None:
    study.drive()
    whole = study.paths.provenance.read_text()
    study.paths.provenance.write_whole("{}")
    assert study.drive().reason == "complete"
    assert study.paths.provenance.read_text() == whole
