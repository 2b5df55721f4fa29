"""The README on clusters, command by command: two nodes started by hand, a study submitted,
watched, extended.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..study.command import history_of, run, wait_for, write_study
from ..study.ray_cluster import free_port

pytestmark = pytest.mark.faults
RAY = str(Path(sys.executable).with_name("ray"))


@contextmanager
def node(*words: str) -> Iterator[None]:
    """A node of a cluster, in the foreground of a process group of its own."""
    process = subprocess.Popen(
        [RAY, "start", *words, "--num-cpus=1", "--block"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def answers(address: str) -> bool:
    """Whether the dashboard is there, be it that it wants a token."""
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def test_the_page_on_clusters_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    port, dashboard = free_port(), free_port()
    address = f"http://127.0.0.1:{dashboard}"
    head = (
        "--head",
        f"--port={port}",
        "--dashboard-host=127.0.0.1",
        f"--dashboard-port={dashboard}",
    )
    with (
        tempfile.TemporaryDirectory(
            prefix="ray-test-", dir="/tmp", ignore_cleanup_errors=True
        ) as folder,
        node(*head, f"--dashboard-agent-listen-port={free_port()}", f"--temp-dir={folder}"),
    ):
        wait_for(lambda: answers(address), "the head")
        with node(f"--address=127.0.0.1:{port}", f"--dashboard-agent-listen-port={free_port()}"):
            follow_the_page(tmp_path, address, monkeypatch)


def follow_the_page(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    home, storage = folder / "home", ("--storage", str(folder / "studies"))
    home.mkdir()
    assert "study tiny runs at" in run(home, "submit", str(write_study(folder)), *storage).stdout
    assert "tiny" in run(home, "status", "tiny").stdout
    assert "exit code 0" in run(home, "logs", "tiny", "-f").stdout
    assert "is not running" in run(home, "stop", "tiny", code=2).stderr
    assert "[8/8]" in run(home, "resume", "tiny", "--points", "8", "--wait").stdout
    assert "SUCCEEDED" in run(home, "list").stdout
    assert "leaderboard" in run(home, "table", "tiny", *storage).stdout.lower()
    assert len(history_of(folder).points) == 8
