"""Where a driver tells people of its study stands nowhere but with the driver: in no file of the
study's or of Ray's, in nothing that Ray's dashboard shows, in no process that the driver starts.

On the real Ray: one of a study's own, and a cluster with its dashboard.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from ..study.command import (
    count,
    end_what_is_left,
    run,
    start,
    wait_for,
    write_slow_study,
    write_study,
)
from ..study.execution.user.notices.receiving import webhook
from ..study.ray_cluster import RayCluster, ray_cluster

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900), pytest.mark.filterwarnings("default")]

IN_VARIABLE, IN_FILE = "S3CRET-in-a-variable", "S3CRET-in-a-file"
NOTIFY = [
    {"to": "json", "at": {"env": "HOOK"}, "on": ["best", "end"], "every_min": 0.001},
    {"to": "slack", "at": {"file": "hook"}},
]
STATES = (
    "actors",
    "jobs",
    "nodes",
    "objects",
    "placement_groups",
    "runtime_envs",
    "tasks",
    "workers",
)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    end_what_is_left()


def told(folder: Path, port: int) -> tuple[dict[str, Any], str]:
    """What a study says that tells two receivers, and the address for the variable."""
    secret = folder / "kept-elsewhere"
    secret.write_text(f"http://127.0.0.1:{port}/{IN_FILE}")
    notify = json.loads(json.dumps(NOTIFY).replace('"hook"', json.dumps(str(secret))))
    changes = {"points": 4, "pruner": "none", "notify": notify}
    return changes, f"http://127.0.0.1:{port}/{IN_VARIABLE}"


def secrets_in(content: bytes) -> list[str]:
    return [secret for secret in (IN_VARIABLE, IN_FILE) if secret.encode() in content]


def files_with_secrets(folder: Path) -> dict[str, list[str]]:
    """The files below a folder in which a secret stands."""
    found = {}
    looked_at = 0
    for path in folder.rglob("*"):
        if path.name == "kept-elsewhere" or path.is_symlink() or not path.is_file():
            continue
        with suppress(FileNotFoundError):  # Ray has just removed it
            looked_at += 1
            secrets = secrets_in(path.read_bytes())
            if secrets:
                found[str(path)] = secrets
    assert looked_at > 5
    return found


def test_a_study_on_its_own_ray_keeps_its_addresses_to_its_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    with webhook() as hook:
        changes, address = told(tmp_path, hook.port)
        monkeypatch.setenv("HOOK", address)
        write_slow_study(tmp_path, pause_s=0.05, **changes)
        process = start(tmp_path, "run", "tiny.yaml")
        wait_for(lambda: count(tmp_path, "reported") >= 2 or process.poll() is not None, "epochs")
        started = psutil.Process(process.pid).children(recursive=True)
        with_secrets = []
        for child in started:
            with suppress(psutil.Error):
                if secrets_in(json.dumps([child.environ(), child.cmdline()]).encode()):
                    with_secrets.append(child.name())
        during = files_with_secrets(tmp_path)
        said, _ = process.communicate(timeout=600)
    assert process.returncode == 0, said
    assert len(started) > 3, "Ray and its workers"
    assert not with_secrets
    assert not during
    assert not files_with_secrets(tmp_path)
    assert not secrets_in(said.encode())
    assert sum(message.get("occasion") == "end" for message in hook.messages) == 1
    assert sum("text" in message and "occasion" not in message for message in hook.messages) == 1


def pages(cluster: RayCluster) -> Iterator[tuple[str, bytes]]:
    """What the dashboard answers about everything that it knows."""

    def ask(path: str) -> bytes:
        try:
            with urllib.request.urlopen(f"{cluster.dashboard}{path}", timeout=60) as answer:
                content: bytes = answer.read()
        except urllib.error.HTTPError as error:
            return error.read()
        return content

    paths = ["/api/jobs/", "/nodes?view=summary", "/logical/actors", "/api/cluster_status"]
    paths += [f"/api/v0/{state}?detail=1&limit=10000" for state in STATES]
    for job in json.loads(ask("/api/jobs/")):
        paths += [f"/api/jobs/{job['submission_id']}{more}" for more in ("", "/logs")]
    nodes = json.loads(ask("/nodes?view=summary"))["data"]["summary"]
    for node in nodes:
        paths += [f"/nodes/{node['raylet']['nodeId']}"]
        paths += [f"/api/v0/logs?node_id={node['raylet']['nodeId']}"]
    for path in paths:
        yield path, ask(path)


def test_a_cluster_shows_none_of_a_studys_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    with webhook() as hook:
        changes, address = told(tmp_path, hook.port)
        write_study(tmp_path, **changes)
        with ray_cluster([{"num_cpus": 2}], HOOK=address) as cluster:
            monkeypatch.setenv("RAY_ADDRESS", cluster.dashboard)
            storage = ("--storage", str(tmp_path / "studies"))
            said = run(tmp_path, "submit", "tiny.yaml", *storage, "--wait")
            shown = dict(pages(cluster))
            assert not files_with_secrets(Path(cluster.folder))
    assert b"study-tiny-1" in shown["/api/jobs/"]
    assert b"_DriverActor" in shown["/api/v0/actors?detail=1&limit=10000"]
    assert {path: secrets_in(page) for path, page in shown.items() if secrets_in(page)} == {}
    assert not files_with_secrets(tmp_path)
    assert not secrets_in((said.stdout + said.stderr).encode())
    assert sum(message.get("occasion") == "end" for message in hook.messages) == 1
    assert sum("text" in message and "occasion" not in message for message in hook.messages) == 1


def test_a_secret_would_be_found(tmp_path: Path) -> None:
    for number in range(6):
        (tmp_path / f"{number}").write_text("nothing")
    (tmp_path / "log").write_text(f"posting to {IN_FILE}")
    assert files_with_secrets(tmp_path) == {str(tmp_path / "log"): [IN_FILE]}
