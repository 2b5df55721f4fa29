"""Studies on a real cluster of three nodes with token authentication: submitted, watched, killed,
stopped, resumed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.trials import ENDED_STATES

from ..command import DEADLINE_S, count, events_of, history_of, run, wait_for, write_study
from ..ray_cluster import RayCluster, ray_cluster

TOKEN = "a-token-for-tests-" + 20 * "x"
SECRETS = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}

LONG = {"epochs": 30, "data": {"name": "digits"}, "model": "mlp"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    worker = {"num_cpus": 1, "resources": {"accelerator": 1}}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with ray_cluster([worker, worker], PATH=path, **SECRETS) as found:
        yield found


@pytest.fixture
def lab(tmp_path: Path, cluster: RayCluster, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose ``studies`` all nodes share; the environment of a user who has the token."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RAY_ADDRESS", cluster.dashboard)
    (tmp_path / "home").mkdir()
    return tmp_path


def ask(lab: Path, *words: str, code: int = 0) -> str:
    """What a command says to a user whose own folder knows nothing of the studies."""
    done = run(lab / "home", *words, code=code)
    return done.stdout + done.stderr


def study_file(folder: Path, **changes: Any) -> str:
    resources = {"cpus": 1, "custom": {"accelerator": 1}}
    return str(write_study(folder, **({"resources": resources} | changes)))


def submit(lab: Path, *words: str, code: int = 0) -> str:
    return ask(lab, "submit", "--storage", str(lab / "studies"), *words, code=code)


def job_state(lab: Path) -> str:
    jobs = json.loads(ask(lab, "list", "--format", "json"))["rows"]
    return next(str(job["job_state"]) for job in jobs if job["storage"] == str(lab / "studies"))


def check_whole(folder: Path, name: str, points: int) -> None:
    history = history_of(folder, name)
    assert [point.number for point in history.points] == list(range(points))
    assert all(point.state in ENDED_STATES for point in history.points)
    for trial in history.trials:
        assert trial.state in ("COMPLETE", "PRUNED")
        assert [row["epoch"] for row in trial.rows] == list(range(1, trial.epochs + 1))


def test_a_driver_that_is_killed_is_started_again(lab: Path) -> None:
    said = submit(lab, study_file(lab, study="killed", recipe=LONG))
    assert "study killed runs at" in said
    assert "warning" not in said
    wait_for(lambda: count(lab, "reported", "killed") > 2, "reports")
    opened = next(event for event in events_of(lab, "killed") if event["event"] == "opened")
    os.kill(opened["pid"], signal.SIGSTOP)  # so that the study doesn't end meanwhile
    status = json.loads(ask(lab, "status", "killed", "--format", "json"))
    assert (status["state"], status["job_state"]) == ("running", "RUNNING")
    assert "is running at" in submit(lab, str(lab / "killed.yaml"), code=2)

    os.kill(opened["pid"], signal.SIGKILL)
    log = ask(lab, "logs", "killed", "-f")
    assert job_state(lab) == "SUCCEEDED"
    check_whole(lab, "killed", 6)
    assert count(lab, "opened", "killed") == 2
    assert "died of signal 9" in log
    assert "[6/6]" in log
    assert "exit code 0" in log
    assert TOKEN not in log + StudyPaths(LocalPath(lab / "studies"), "killed").journal.read_text()
    assert TOKEN not in StudyPaths(LocalPath(lab / "studies"), "killed").provenance.read_text()


def test_a_study_is_stopped_and_resumed(lab: Path) -> None:
    submit(
        lab,
        study_file(lab, study="stopped", recipe=LONG | {"epochs": 500}, points=2, pruner="none"),
    )
    wait_for(lambda: count(lab, "reported", "stopped") > 2, "reports")
    assert "stopped" in ask(lab, "stop", "stopped")
    closed = events_of(lab, "stopped")[-1]
    assert (closed["event"], closed["reason"]) == ("closed", "interrupted")
    assert "is not running" in ask(lab, "stop", "stopped", code=2)
    said = ask(lab, "resume", "stopped", "--wait")
    assert "[2/2]" in said
    check_whole(lab, "stopped", 2)


@pytest.mark.faults
def test_a_study_makes_way_for_another(lab: Path) -> None:
    endless = LONG | {"epochs": 100_000}
    submit(lab, study_file(lab, study="host", recipe=endless, points=2, pruner="none"))
    wait_for(lambda: count(lab, "reported", "host") > 2, "reports")
    short = LONG | {"epochs": 1}
    submit(lab, study_file(lab, study="guest", recipe=short, points=1), "--share", "2", "--wait")
    assert count(lab, "set_aside", "host") == 1
    assert count(lab, "failed", "host") == 0
    rows = json.loads(ask(lab, "list", "--format", "json"))["rows"]
    shares = {row["study"]: row.get("share") for row in rows if str(lab) in row["storage"]}
    assert shares == {"host": 1, "guest": None}
    ask(lab, "stop", "host")


REFUSALS: dict[str, tuple[list[str], str]] = {
    "room": (["--set", "resources.custom.accelerator=2"], "no node has that"),
    "storage": (["--storage", "/proc/nowhere"], "can't write to /proc/nowhere"),
    "relative": (["--storage", "studies"], "absolute path or a URI"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_cannot_go_well_is_refused_in_one_line(lab: Path, what: str) -> None:
    words, reason = REFUSALS[what]
    file = study_file(lab, study=f"refused-{what}")
    said = submit(lab, file, *words, code=2)
    assert reason in said
    assert said.count("\n") == 1
    assert not (lab / "studies" / f"refused-{what}").exists()


def test_a_name_that_another_study_has_is_refused_with_the_difference(lab: Path) -> None:
    file = study_file(
        lab,
        study="taken",
        points=1,
        recipe={"epochs": 1, "data": {"name": "digits"}, "model": "mlp"},
    )
    submit(lab, file, "--wait")
    assert "sampler.seed: 0 -> 5" in submit(lab, file, "--set", "sampler.seed=5", code=2)


OLDER = """
import sys
from study.execution import provenance
provenance.version = lambda package: "0.0.9"
from study.cli.main import main
main()
"""


def test_another_version_on_the_nodes_is_refused(lab: Path) -> None:
    words = [
        sys.executable,
        "-c",
        OLDER,
        "submit",
        study_file(lab, study="older"),
        "--storage",
        str(lab / "studies"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
    assert done.returncode == 2
    assert "and this is 0.0.9: pip install ray-study==0.0.9 there" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_token_and_an_unreachable_head_are_one_line(
    lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = study_file(lab)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong-" + 30 * "y")
    refused = submit(lab, file, code=2)
    assert "refuses this token" in refused
    assert "wrong-" not in refused
    monkeypatch.delenv("RAY_AUTH_MODE")
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    monkeypatch.setenv("HOME", str(lab))
    assert "asks for a token" in submit(lab, file, code=2)
    assert "no Ray cluster answers" in submit(lab, file, "--address", "http://127.0.0.1:9", code=2)
