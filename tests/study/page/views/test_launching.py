"""What takes a driver: where the server starts none, and where it starts processes here."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from study.cluster.job_request import JobRequest
from study.execution.changes import Change
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.lock import acquire_lock, lock_holder
from study.journal.replay import read_history
from study.page.actions.doing import DOING
from study.page.actions.launching import Processes

from ....analysis.conftest import Maker, sgd
from ...command import wait_for
from ..served import BROWSER, FULL, TOKENS, Answer, Served, serving, settings_of

FILE = """\
study: tiny
objective: {metric: val_accuracy, direction: maximize}
sampler: first-only
first: [{set: {optimizer.lr: 0.01}}]
recipe: {model: mlp, data: {name: digits, train_images: 64}, epochs: 1}
"""


class Noted:
    """Starts nothing, and notes what it was asked."""

    can_start = True
    drives_here = True

    def __init__(self) -> None:
        self.asked: list[JobRequest] = []

    def start(self, request: JobRequest, command: str) -> Change:
        self.asked.append(request)
        return Change(("begun",), True, {"study": request.name})


@pytest.fixture
def study(tmp_path: Path) -> Maker:
    """An interrupted study with a trial that failed."""
    made = Maker(tmp_path / "lab", name="one")
    made.complete_point(sgd(0.1, 0.9), [0.90, 0.92])
    point = made.point(sgd(0.2, 0.9))
    made.fail(made.start(point, 0), "diverged")
    made.tell(point, "FAIL", None)
    made.close(0, "interrupted")
    return made


@pytest.fixture
def plain(study: Maker) -> Iterator[Served]:
    """A server that starts no drivers."""
    with serving(settings_of(study.paths.storage.local_path())) as server:
        yield server


@pytest.fixture
def noted(plain: Served, monkeypatch: pytest.MonkeyPatch) -> list[JobRequest]:
    """What the same server asks, were it told to start drivers."""
    launcher = Noted()
    monkeypatch.setattr(plain.app[DOING], "launcher", launcher)
    return launcher.asked


def post(served: Served, path: str, body: Any = None) -> Answer:
    headers = FULL | {"Content-Type": "application/json"}
    return served.ask(path, headers, "POST", b"" if body is None else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("path", "body", "command"),
    [
        ("s/lab/one/resume", None, "study resume one --storage"),
        ("s/lab/one/extend", {"points": 60}, "study resume one --points 60 --storage"),
        ("s/lab/one/retry", {"trials": [2]}, "study retry one --trial 2 --storage"),
        ("s/lab/one/retry", {"failed": True}, "study retry one --failed --storage"),
        ("submit", {"file": FILE}, "study run FILE --storage"),
    ],
)
def test_without_drivers_the_command_is_told(
    plain: Served, path: str, body: Any, command: str
) -> None:
    answer = post(plain, f"/api/{path}", body)
    assert answer.status == 409, answer.text
    assert command in answer.data["error"]


def test_a_driver_is_asked_what_the_command_would_ask(
    plain: Served, noted: list[JobRequest], study: Maker, tmp_path: Path
) -> None:
    asked = {
        "resume": (None, ["resume", "one"]),
        "extend": ({"points": 60, "replicates": 3}, ["resume", "one", "--points=60"]),
        "retry": ({"trials": [2]}, ["retry", "one", "--trial=2"]),
    }
    for what, (body, words) in asked.items():
        answer = post(plain, f"/api/s/lab/one/{what}", body)
        assert (answer.status, answer.data["message"]) == (200, "begun")
        assert noted[-1].words(tmp_path)[: len(words)] == words
    assert post(plain, "/api/submit", {"file": FILE, "storage": "lab"}).status == 200
    assert noted[-1].study_file == FILE
    assert noted[-1].storage == str(study.paths.storage)


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("s/lab/one/extend", {"points": 1}, 409, "points: 2 are proposed already; found 1"),
        ("s/lab/one/extend", {"points": 40}, 409, "has --points 40 already"),
        ("s/lab/one/retry", {}, 400, "say which trials to run again"),
        ("s/lab/one/retry", {"failed": True, "trials": [2]}, 400, "say which trials"),
        ("s/lab/one/retry", {"trials": [0]}, 409, "trial 0 has not failed; failed trials: [2]"),
        ("s/lab/one/retry", {"trials": ["2"]}, 400, "must be an integer; found '2'"),
        ("submit", {"file": "points: 0"}, 400, "study.yaml:1: points: must be at least 1"),
        ("submit", {"file": FILE, "storage": "lap"}, 400, "(did you mean lab?)"),
        ("submit", {"file": "a" * 300_000}, 400, "must have at most 262144 bytes"),
        ("submit", {"storage": "lab"}, 400, "file: must be given"),
        ("submit", {"file": "!!python/object:os.system {}"}, 400, "study.yaml:1"),
        ("preview", {"file": "\x00"}, 400, "study.yaml:1"),
        ("preview", {"file": ""}, 400, "study.yaml:1"),
    ],
)
def test_what_cannot_be_begun_is_one_sentence(
    plain: Served, noted: list[JobRequest], path: str, body: Any, status: int, told: str
) -> None:
    answer = post(plain, f"/api/{path}", body)
    assert answer.status == status, answer.text
    assert told in answer.data["error"]
    assert "/tmp" not in answer.data["error"]
    assert noted == []


def test_a_driven_study_is_not_driven_twice(
    plain: Served, noted: list[JobRequest], study: Maker
) -> None:
    lock = acquire_lock(study.paths.lock)
    try:
        for what, body in (("resume", None), ("retry", {"failed": True})):
            answer = post(plain, f"/api/s/lab/one/{what}", body)
            assert answer.status == 409
            assert "study one is being driven by process" in answer.data["error"]
    finally:
        lock.release()
    assert noted == []


def test_a_strangers_code_is_not_run(
    plain: Served, noted: list[JobRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    spec = (
        "study: theirs\nobjective: {metric: iou, direction: maximize}\npoints: 2\n"
        "train: their_code:train\nrecipe: {epochs: 1}\nspace: {lr: {log: [1e-3, 1]}}\n"
    )
    Maker(tmp_path / "lab", name="theirs", spec=spec, replicates=1).close(0, "interrupted")
    for what, body, command in (
        ("resume", None, "study resume theirs --trust"),
        ("add", {"values": {"lr": 0.1}}, "study add theirs --set=lr=0.1 --trust"),
    ):
        answer = post(plain, f"/api/s/lab/theirs/{what}", body)
        assert answer.status == 409, answer.text
        assert "their_code:train" in answer.data["error"]
        assert command in answer.data["error"]
    assert noted == []
    assert plain.page("/s/lab/theirs/do/resume")


def test_a_file_is_previewed_as_data_and_by_the_form(plain: Served) -> None:
    seen = post(plain, "/api/preview", {"file": FILE}).data
    assert seen["lines"][0] == "study tiny"
    assert seen["preview"]["points"] == 1
    page = plain.page("/submit")
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found
    headers = {
        "Cookie": f"study_token_{plain.port}={TOKENS.full}",
        "Origin": f"http://127.0.0.1:{plain.port}",
        "Content-Type": "application/x-www-form-urlencoded",
        **BROWSER,
    }
    for file, told in ((FILE, "study tiny"), ("points: <b>\n", "study.yaml:1: points: must be")):
        fields = {"csrf": found[1], "file": file.replace("\n", "\r\n"), "storage": "lab"}
        answer = plain.ask("/api/preview", headers, "POST", urlencode(fields).encode())
        assert answer.status == 303, answer.text
        shown = plain.page(answer.headers["Location"])
        assert told in shown
        assert "<b>" not in shown


def test_what_takes_a_driver_is_offered_where_one_can_be_started(study: Maker) -> None:
    with serving(settings_of(study.paths.storage.local_path(), drive=True)) as server:
        page = server.page("/s/lab/one")
        assert "/do/resume" in page
        assert "/do/retry" in page
        assert "trial 2 of point 1: diverged" in server.page("/s/lab/one/do/retry?failed=true")
        assert "1 of 40" not in server.page("/s/lab/one/do/resume")


def test_whoever_submits_is_told_so_where_the_study_is_not_there_yet(
    plain: Served, noted: list[JobRequest]
) -> None:
    word = re.search(r'name="csrf" value="(\w+)"', plain.page("/submit"))
    assert word
    fields = {"csrf": word[1], "file": FILE, "storage": "lab"}
    origin = {"Origin": f"http://127.0.0.1:{plain.port}"}
    form = origin | {"Content-Type": "application/x-www-form-urlencoded"}
    body = urlencode(fields).encode()
    answer = plain.ask("/api/submit", FULL | BROWSER | form, "POST", body)
    assert answer.status == 303
    where = answer.headers["Location"]
    assert where.startswith("/?told=")
    assert '<p class="told" role="status">begun</p>' in plain.page(where)
    assert noted


def test_a_submitted_study_is_driven_here_and_goes_on_without_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("STUDY_TOKEN", TOKENS.full)
    paths = StudyPaths(LocalPath(tmp_path / "lab"), "tiny")
    longer = FILE.replace("epochs: 1", "epochs: 100000")
    with serving(settings_of(tmp_path / "lab", drive=True)) as server:
        answer = post(server, "/api/submit", {"file": longer})
        assert answer.status == 200, answer.text
        pid = answer.data["pid"]
        process = _process(server, paths)
        assert str(pid) in lock_holder(paths.lock)
        again = post(server, "/api/submit", {"file": longer})
        assert again.status == 409
        assert "is being driven by process" in again.data["error"]
    assert process.poll() is None, "it goes on when the server ends"
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert TOKENS.full.encode() not in environment
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: process.poll() is not None, "the driver to end")
    assert read_history(paths.journal).sessions[-1].reason == "interrupted"


def _process(server: Served, paths: StudyPaths) -> Any:
    launcher = server.app[DOING].launcher
    assert isinstance(launcher, Processes)
    return launcher._started[(str(paths.storage), paths.name)]
