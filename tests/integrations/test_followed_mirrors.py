"""A study that is mirrored while it runs, to a real MLflow server and to W&B offline: mirror and
driver are killed again and again, and in the end each number of the journal is there once.

All are processes of their own; workers that train nothing stand in Ray's place.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.lock import lock_holder

from ..faults import driver_without_ray
from ..faults.driver_without_ray import EPOCH_S
from ..study.command import STARTED, end_what_is_left, kill_all, wait_for, write_study
from ..study.ray_cluster import free_port
from .mirrored import Numbers, in_journal, in_mlflow, in_wandb

pytestmark = [
    pytest.mark.integrations,
    pytest.mark.timeout(1200),
    pytest.mark.filterwarnings("default"),  # the libraries' own
]

EPOCH_OF_S = "1.5"
KILLED = (("mirror",), ("driver",), ("mirror", "driver"), ("mirror",))
"""What is killed in each round, as soon as something new has arrived."""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    end_what_is_left()


class Followed:
    """A study in a folder, its driver and its mirror."""

    def __init__(self, folder: Path, to: str) -> None:
        self.folder = folder
        self.paths = StudyPaths(LocalPath(folder / "studies"), "tiny")
        self._to = to
        self._file = write_study(folder, points=10, pruner="none")
        self.running: dict[str, subprocess.Popen[str]] = {}

    def start(self, what: str) -> None:
        """Start the driver or the mirror, unless it runs."""
        if what in self.running and self.running[what].poll() is None:
            return
        words = self._driver() if what == "driver" else self._mirror("--follow")
        self.running[what] = _started(self.folder, words)

    def _driver(self) -> list[str]:
        is_begun = self.paths.journal.exists()
        words = ["resume", "tiny"] if is_begun else ["run", str(self._file)]
        return [driver_without_ray.__file__, *words]

    def _mirror(self, *more: str) -> list[str]:
        return ["-m", "study.cli", "mirror", "tiny", "--to", self._to, *more]

    def finish(self) -> None:
        """Let the driver come to its end and the mirror follow it there."""
        self.start("driver")
        self.start("mirror")
        for what in ("driver", "mirror"):
            said, _ = self.running[what].communicate(timeout=600)
            assert self.running[what].returncode == 0, said
        said, _ = _started(self.folder, self._mirror()).communicate(timeout=600)
        assert "mirrored tiny to" in said

    def follow_through_kills(self, found: Callable[[], Numbers]) -> int:
        """Kill what follows and what is followed; return how often that met them at work."""
        met = 0
        for victims in KILLED:
            self.start("driver")
            wait_for(lambda: lock_holder(self.paths.lock), "the study's driver")
            self.start("mirror")
            self._wait_for_more(found)
            met += all(self.running[what].poll() is None for what in victims)
            for what in victims:
                kill_all(self.running[what])
        self.finish()
        return met

    def _wait_for_more(self, found: Callable[[], Numbers]) -> None:
        """Wait until the mirror shows more than now, or driver or mirror has ended."""
        before = found().total()
        wait_for(
            lambda: (
                found().total() > before
                or any(process.poll() is not None for process in self.running.values())
            ),
            "something new",
        )


def _started(folder: Path, words: list[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=os.environ | {EPOCH_S: EPOCH_OF_S},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    STARTED.append(process)
    return process


@pytest.fixture
def mlflow_server(tmp_path: Path) -> str:
    """A real MLflow server on loopback, over a store of its own; its address."""
    pytest.importorskip("mlflow", reason="make integrations")
    port = free_port()
    words = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    words += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--workers", "1"]
    with (tmp_path / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, *words],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    STARTED.append(server)

    def answers() -> bool:
        assert server.poll() is None, (tmp_path / "server.log").read_text()
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            return answer.status == 200
        return False

    wait_for(answers, "the MLflow server")
    return f"http://127.0.0.1:{port}"


def test_an_mlflow_server_has_each_number_once_whichever_side_is_killed(
    mlflow_server: str, tmp_path: Path
) -> None:
    followed = Followed(tmp_path, f"mlflow:{mlflow_server}")
    met = followed.follow_through_kills(lambda: in_mlflow(mlflow_server, "tiny"))
    assert met >= 2, "the study was over before it was disturbed"
    assert in_mlflow(mlflow_server, "tiny") == in_journal(followed.paths)
    assert set(in_journal(followed.paths).values()) == {1}


def test_wandb_offline_has_each_number_once_whichever_side_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb", reason="make integrations")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    followed = Followed(tmp_path, "wandb")
    met = followed.follow_through_kills(lambda: in_wandb(tmp_path))
    assert met >= 2, "the study was over before it was disturbed"
    assert in_wandb(tmp_path) == in_journal(followed.paths)
    assert set(in_journal(followed.paths).values()) == {1}
