"""The Ray under a study dies, as when the system kills one of its processes for want of memory."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from study.errors import RayFault

from ..study.command import (
    check_exact,
    count,
    end_what_is_left,
    events_of,
    history_of,
    outcome,
    run,
    start,
    wait_for,
    write_slow_study,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]

NOTICED_S = 30.0
RAYS_OWN_END_S = 60.0


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    end_what_is_left()


def study(folder: Path) -> Path:
    folder.mkdir()
    write_slow_study(
        folder, pause_s=0.1, epochs=8, points=4, concurrency=2, pruner="none", reproducible=True
    )
    return folder


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def named(process: subprocess.Popen[str], name: str) -> list[psutil.Process]:
    found = []
    for member in family(process):
        with suppress(psutil.NoSuchProcess):
            if any(name in word for word in member.cmdline()[:3]):
                found.append(member)
    return found


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = []
    for member in family(process):
        with suppress(psutil.NoSuchProcess):
            if "ray::" in " ".join(member.cmdline()):
                found.append(member)
    return found


def check_nothing_lives(members: list[psutil.Process]) -> None:
    wait_for(
        lambda: (
            not [
                member
                for member in members
                if member.is_running() and member.status() != psutil.STATUS_ZOMBIE
            ]
        ),
        "everything of the study's to end",
    )


@pytest.mark.parametrize(
    "victim", ["raylet", "gcs_server", "DashboardAgent", "everything of ray's"]
)
def test_a_study_goes_on_with_another_ray(tmp_path: Path, victim: str) -> None:
    whole, hurt = study(tmp_path / "whole"), study(tmp_path / "hurt")
    process = start(hurt, "run", "tiny.yaml")
    wait_for(lambda: count(hurt, "reported") >= 3, "some epochs")
    members = family(process)
    victims = workers(process) if victim == "everything of ray's" else named(process, victim)
    assert victims, [member.cmdline() for member in members]
    killed = time.time()
    for member in victims:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    wait_for(
        lambda: [event for event in events_of(hurt) if event["event"] == "failed"],
        "the loss to be noticed",
    )
    noticed = next(event["time"] for event in events_of(hurt) if event["event"] == "failed")
    assert noticed - killed < NOTICED_S
    members += family(process)
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    assert "Traceback" not in said
    check_exact(history_of(hurt), points=4)
    run(whole, "run", "tiny.yaml")
    assert outcome(history_of(hurt)) == outcome(history_of(whole))
    check_nothing_lives(members)


def test_where_no_ray_stays_alive_the_study_ends_with_the_way_to_resume(tmp_path: Path) -> None:
    hurt = study(tmp_path / "hurt")
    process = start(hurt, "run", "tiny.yaml")
    seen: set[int] = set()
    members: list[psutil.Process] = []
    while process.poll() is None:
        for member in named(process, "gcs_server"):
            if member.pid not in seen and count(hurt, "started") > 2 * len(seen):
                seen.add(member.pid)
                members += family(process)
                member.kill()
        time.sleep(0.1)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == RayFault.exit_code, said
    assert "gcs_server" in said
    assert "study resume tiny" in said
    assert "Traceback" not in said
    assert history_of(hurt).sessions[-1].reason == "fault"
    check_nothing_lives(members)
    run(hurt, "resume", "tiny")
    check_exact(history_of(hurt), points=4)


def test_an_interrupted_ray_start_is_an_interrupted_study(tmp_path: Path) -> None:
    hurt = study(tmp_path / "hurt")
    process = start(hurt, "run", "tiny.yaml")
    wait_for(lambda: named(process, "gcs_server"), "Ray to start")
    members = family(process)
    os.kill(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert history_of(hurt).sessions[-1].reason == "interrupted"
    check_nothing_lives(members)
