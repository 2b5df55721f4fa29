"""`study dashboard` as a user has it: optuna-dashboard on a copy of the study, in a process of its
own.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from study.cli.export import dashboard
from study.errors import UserError
from study.files.layout import StudyPaths
from study.journal.history import History
from study.journal.journal import read_records

from ..command import DEADLINE_S, kill_all, start, wait_for


@pytest.fixture
def port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def served(finished: StudyPaths, port: int) -> Iterator[subprocess.Popen[str]]:
    home = Path(finished.folder).parent
    process = start(home, "dashboard", finished.name, "--storage", str(home), "--port", str(port))
    yield process
    if process.poll() is None:
        kill_all(process)


def answer(port: int, path: str) -> Any:
    """What the dashboard answers, None while it doesn't listen yet."""
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}/api/{path}", timeout=DEADLINE_S
        ) as response:
            return json.load(response)
    except URLError:
        return None


def test_the_dashboard_serves_every_finished_point_and_ends_with_ctrl_c(
    finished: StudyPaths, served: subprocess.Popen[str], port: int
) -> None:
    studies = wait_for(lambda: answer(port, "studies"), "the dashboard")["study_summaries"]
    assert [study["study_name"] for study in studies] == [finished.name]
    shown = answer(port, f"studies/{studies[0]['study_id']}")
    points = History(read_records(finished.journal)).points
    assert [(trial["state"], trial.get("values")) for trial in shown["trials"]] == [
        (point.state.capitalize(), [point.value] if point.state == "COMPLETE" else None)
        for point in points
    ]
    served.send_signal(signal.SIGINT)
    said, _ = served.communicate(timeout=DEADLINE_S)
    assert served.returncode == 0
    assert f"http://127.0.0.1:{port}/" in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_a_users_mistake(finished: StudyPaths) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            UserError, match=f"127.0.0.1:{port} can't be listened on: .*; choose with --host"
        ):
            dashboard(finished.name, str(Path(finished.folder).parent), port=port)
