"""What surrounds a study does it no harm: readers that go away, files that lie about, machines
that stand still or can't set a worker up.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from ..study.command import (
    STARTED,
    STUDY,
    check_exact,
    count,
    end_what_is_left,
    history_of,
    run,
    start,
    wait_for,
    write_slow_study,
    write_study,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    end_what_is_left()


def test_a_reader_that_goes_away_costs_no_attempt(tmp_path: Path) -> None:
    write_study(tmp_path, points=4, pruner="none")
    reader, writer = os.pipe()
    process = subprocess.Popen(
        [STUDY, "run", "tiny.yaml"],
        cwd=tmp_path,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    STARTED.append(process)
    os.close(writer)
    assert os.read(reader, 5)  # its first line
    os.close(reader)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert said == ""
    history = history_of(tmp_path)
    check_exact(history, points=4)
    assert [len(trial.attempts) for trial in history.trials] == [1] * 4


def test_a_machine_that_stands_still_fails_no_trial(tmp_path: Path) -> None:
    write_slow_study(
        tmp_path, pause_s=0.2, epochs=4, points=2, pruner="none", trial={"heartbeat_s": 8}
    )
    process = start(tmp_path, "run", "tiny.yaml")
    wait_for(lambda: count(tmp_path, "reported") >= 2, "an epoch")
    members = [psutil.Process(process.pid)]
    members += members[0].children(recursive=True)
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.suspend()
    time.sleep(20)
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.resume()
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    history = history_of(tmp_path)
    check_exact(history, points=2)
    assert not [each for trial in history.trials for each in trial.attempts if each.failure]


@pytest.mark.parametrize("name", ["study", "queue", "logging", "search_spaces", "sitecustomize"])
def test_a_file_in_the_current_folder_harms_nothing(tmp_path: Path, name: str) -> None:
    write_study(tmp_path, points=1, pruner="none")
    (tmp_path / f"{name}.py").write_text("raise RuntimeError('a file of the user was loaded')")
    run(tmp_path, "run", "tiny.yaml")
    check_exact(history_of(tmp_path), points=1)


def test_code_that_a_study_names_is_found_beside_such_files(tmp_path: Path) -> None:
    write_slow_study(tmp_path, points=1, pruner="none")
    (tmp_path / "queue.py").write_text("raise RuntimeError('a file of the user was loaded')")
    run(tmp_path, "run", "tiny.yaml")
    check_exact(history_of(tmp_path), points=1)


def test_a_long_path_for_temporary_files_is_no_hindrance(tmp_path: Path) -> None:
    write_study(tmp_path, points=1, pruner="none")
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    run(tmp_path, "run", "tiny.yaml", TMPDIR=str(deep))
    check_exact(history_of(tmp_path), points=1)


def test_workers_that_cannot_be_set_up_are_a_fault_before_a_trial_is_lost(tmp_path: Path) -> None:
    """Two gigabytes of addresses are too few to load torch in."""
    write_study(tmp_path, points=4, pruner="none")

    def few_addresses() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (2 * 10**9, 2 * 10**9))

    process = subprocess.Popen(
        [STUDY, "run", "tiny.yaml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=few_addresses,
    )
    STARTED.append(process)
    said, _ = process.communicate(timeout=600)
    assert process.returncode == 3, said
    assert "study resume tiny" in said
    assert "Traceback" not in said
    history = history_of(tmp_path)
    assert not [trial for trial in history.trials if trial.has_ended]
    run(tmp_path, "resume", "tiny")
    check_exact(history_of(tmp_path), points=4)


def test_a_signal_to_stop_reaches_a_study_of_which_nobody_reads_a_word(tmp_path: Path) -> None:
    write_slow_study(tmp_path, pause_s=0.2, epochs=9, pruner="none")
    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            [STUDY, "run", "tiny.yaml"],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    STARTED.append(process)
    wait_for(lambda: count(tmp_path, "reported") >= 2, "an epoch")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=300)
    assert history_of(tmp_path).sessions[-1].reason == "interrupted"
    assert not [each for trial in history_of(tmp_path).trials for each in trial.attempts[1:]]


def test_a_home_that_cannot_be_written_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(tmp_path, points=2, pruner="none")
    monkeypatch.setenv("HOME", "/proc/nowhere")
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    done = run(tmp_path, "run", "tiny.yaml")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    check_exact(history_of(tmp_path), points=2)


def test_a_machine_without_loopback_says_so_at_once(tmp_path: Path) -> None:
    alone = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody leave the network")
    write_study(tmp_path, points=2, pruner="none")
    done = subprocess.run(
        [*alone, STUDY, "run", "tiny.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 3
    assert "its loopback network (127.0.0.1) doesn't work" in done.stderr
