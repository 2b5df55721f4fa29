"""The command that a job's driver runs."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from study.cli.main import app
from study.cluster.job import _LogActor
from study.cluster.job_request import JobRequest

from ..fake_cluster import small_spec

OPTIONS = {
    "data_dir": "/data",
    "keep_going": True,
    "wait_for_nodes": False,
    "accept_loss": None,
}


def test_a_study_file_is_run_and_a_study_that_is_there_is_resumed(tmp_path: Path) -> None:
    new = JobRequest("fake", "/shared", study_file=small_spec().yaml(), options=OPTIONS)
    file = tmp_path / "fake.yaml"
    tail = ["--storage", "/shared", "--data-dir", "/data", "--keep-going"]
    assert new.words(tmp_path) == ["run", str(file), *tail]
    assert file.read_text() == new.study_file

    extension = {"points": 9, "replicates": None, "sets": ["stop.target=0.9", "note=a b"]}
    more = JobRequest("fake", "/shared", extension=extension)
    words = ["resume", "fake", "--set=stop.target=0.9", "--set=note=a b", "--points=9"]
    assert more.words(tmp_path) == [*words, "--storage", "/shared"]


def test_failed_trials_run_again_and_a_driver_that_follows_only_goes_on(tmp_path: Path) -> None:
    some = JobRequest("fake", "/shared", retried=[3, 5])
    tail = ["--storage", "/shared"]
    assert some.words(tmp_path) == ["retry", "fake", "--trial=3", "--trial=5", *tail]
    every = JobRequest("fake", "/shared", retry_failed=True)
    assert every.words(tmp_path) == ["retry", "fake", "--failed", *tail]
    assert every.going_on().words(tmp_path) == ["resume", "fake", *tail]


def test_the_command_line_knows_every_option_that_a_request_may_have(tmp_path: Path) -> None:
    request = JobRequest("fake", "/shared", options=dict.fromkeys(OPTIONS, True))
    words = request.words(tmp_path)
    options = [word for word in words if word.startswith("--")]
    shown = CliRunner().invoke(app, ["resume", "--help"]).output
    assert [option for option in options if option not in shown] == []


def test_what_drivers_say_is_taken_once() -> None:
    log = _LogActor()
    log.say("first")
    log.say("second")
    assert log.take_lines() == ["first", "second"]
    assert log.take_lines() == []
