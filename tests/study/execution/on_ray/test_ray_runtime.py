"""What a study's own Ray is started with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from study.errors import OutsideFault
from study.execution.on_ray.ray_runtime import RayConnection, provide_token

from ...command import DEADLINE_S


def test_a_machine_too_busy_for_ray_is_tried_again_and_then_a_fault_of_one_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tries: list[object] = []

    def slow(**options: object) -> None:
        tries.append(options)
        raise Exception("The current node timed out during startup.\nThis could happen")

    monkeypatch.setattr("study.execution.on_ray.ray_runtime.ENVIRONMENT", {})
    monkeypatch.setattr("ray.init", slow)
    with (
        RayConnection(None) as connection,
        pytest.raises(OutsideFault, match=r"timed out during startup\. The study"),
    ):
        connection.connect()
    assert len(tries) == 3


def test_a_limit_too_low_for_rays_threads_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**options: object) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr("study.execution.on_ray.ray_runtime.ENVIRONMENT", {})
    monkeypatch.setattr("ray.init", fail)
    monkeypatch.setattr("resource.getrlimit", lambda which: (60, 96_365))
    with (
        RayConnection(None) as connection,
        pytest.raises(OutsideFault, match=r"this user may have 60 \(`ulimit -u`\)\. The study"),
    ):
        connection.connect()


WAITING = "import time; time.sleep(900)"


def test_what_a_half_started_ray_leaves_running_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[subprocess.Popen[bytes]] = []
    others = subprocess.Popen(["sleep", "900"])

    def half(*, _temp_dir: str, **options: object) -> None:
        left.append(subprocess.Popen(["sleep", "900"]))
        left.append(subprocess.Popen([sys.executable, "-c", WAITING, f"{_temp_dir}/log"]))
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr("study.execution.on_ray.ray_runtime.ENVIRONMENT", {})
    monkeypatch.setattr("ray.init", half)
    try:
        with RayConnection(None) as connection, pytest.raises(OutsideFault):
            connection.connect()
        strangers, own = left[::2], left[1::2]
        assert len(own) == 3
        assert all(process.wait(DEADLINE_S) == -signal.SIGKILL for process in own)
        assert all(process.poll() is None for process in [others, *strangers])
    finally:
        for process in [others, *left]:
            process.kill()
            process.wait()


def test_a_machine_without_loopback_is_a_fault_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("socket.create_connection", refuse)
    with (
        RayConnection(None) as connection,
        pytest.raises(
            OutsideFault, match=r"loopback network \(127\.0\.0\.1\) doesn't work: Network"
        ),
    ):
        connection.connect()


def test_a_home_that_cannot_be_written_gets_a_token_that_is_kept_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_AUTH_TOKEN", raising=False)
    monkeypatch.delenv("RAY_AUTH_TOKEN_PATH", raising=False)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ["HOME"] = str(tmp_path)
    provide_token()
    assert "RAY_AUTH_TOKEN" not in os.environ, "Ray makes one in the user's home"

    (tmp_path / "file").touch()
    os.environ["HOME"] = str(tmp_path / "file" / "nowhere")
    provide_token()
    first = os.environ["RAY_AUTH_TOKEN"]
    assert len(first) == 64
    provide_token()
    assert os.environ["RAY_AUTH_TOKEN"] == first, "Ray has read it by now"


OPENED = """
import json, os, sys
import ray  # as in a notebook that has loaded Ray before
import psutil
from study.execution.on_ray.ray_internals import OWN_RAY_SETTINGS
from study.execution.on_ray.ray_runtime import RayConnection, provide_token

@ray.remote(num_cpus=1)
def found():
    return [sys.path, "torch" in sys.modules]

with RayConnection(None) as connection:
    connection.connect(1, a_worker_each=True)
    here = psutil.Process()
    rooms, answer = connection.node_resources(), ray.get(found.remote())
    ports = [
        (process.name(), *socket.laddr)
        for process in [here, *here.children(recursive=True)]
        for socket in process.net_connections("inet")
        if socket.status == psutil.CONN_LISTEN
    ]
    folder = connection._folder.path
    modes = {str(path): path.stat().st_mode & 0o777 for path in (folder, folder / "r")}
    commands = [" ".join(process.cmdline()) for process in here.children(recursive=True)]
    print(json.dumps({"cpus": [room["CPU"] for room in rooms], "found": answer, "ports": ports, "commands": commands, "folder": str(folder), "modes": modes}))
assert not set(OWN_RAY_SETTINGS) & set(os.environ)
"""


RAYS_AGENT_PORT = 52365
"""Where the agent of a Ray with a dashboard listens: a second one on the machine waits for it."""


def test_a_ray_of_its_own_listens_on_loopback_and_its_workers_are_ready(
    tmp_path: Path,
) -> None:
    for name in ("queue", "logging", "study", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a file of the user was loaded')")
    script = tmp_path / "elsewhere" / "opened.py"
    script.parent.mkdir()
    script.write_text(OPENED)
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_S,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    told = json.loads(done.stdout)
    assert told["cpus"] == [1.0]
    assert told["found"][1], "its workers have loaded torch"
    assert not {str(tmp_path), str(script.parent), ""} & set(told["found"][0])
    assert told["modes"][told["folder"]] == 0o700
    assert not Path(told["folder"]).exists()
    assert {name for name, _, _ in told["ports"]} >= {"gcs_server", "raylet"}
    assert {address.removeprefix("::ffff:") for _, address, _ in told["ports"]} == {"127.0.0.1"}
    assert RAYS_AGENT_PORT not in {port for _, _, port in told["ports"]}
    assert not any("dashboard/dashboard.py" in command for command in told["commands"]), (
        "nobody would look at it"
    )
    assert any("dashboard/agent.py" in command for command in told["commands"]), (
        "Ray has files of these names"
    )
