"""Each notice arrives once, whoever is down and however often the driver starts anew; nothing of an
address stands in the study's folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.controller.controller import Controller
from study.execution.user.notices import notices as module
from study.execution.user.notices import outbox
from study.execution.user.notices.notices import Notices, notice_faults
from study.files.layout import StudyPaths
from study.journal.events import SessionClosed
from study.spec.spec import StudySpec

from ....fake_cluster import Storage, controller_on, drive, small_spec
from ....fake_folder import write_folder
from .receiving import mail_server, webhook

SECRET = "S3CRET"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_FIRST_PAUSE_S", 0.02)


def spec_told(*notify: dict[str, Any], **changes: Any) -> StudySpec:
    return small_spec(points=6, notify=list(notify), **changes)


def told_at(paths: StudyPaths, controller: Controller, act: Callable[[Notices], None]) -> list[str]:
    """What a driver says while it tells people of its study."""
    said: list[str] = []
    with Notices(controller, paths, said.append) as notices:
        notices.tick()
        act(notices)
    return said


def test_each_notice_arrives_once_at_receivers_that_are_down_half_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        webhook(is_down_half_the_time=True) as hook,
        mail_server(is_down_half_the_time=True) as mail,
    ):
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{hook.port}/{SECRET}")
        (tmp_path / "mail").write_text(f"smtp://127.0.0.1:{mail.port}/?to={SECRET}@a.example")
        everything = ["end", "fault", "interruption", "best"]
        spec = spec_told(
            {"to": "json", "at": {"env": "HOOK"}, "on": everything},
            {"to": "mail", "at": {"file": str(tmp_path / "mail")}},
        )
        storage = Storage()
        controller = controller_on(storage, spec)
        drive(controller)
        paths = StudyPaths(write_folder(tmp_path / "first", spec, storage).storage, "fake")
        for reason in ("interrupted", "complete"):
            for _ in range(2):  # the second driver has nothing to tell
                controller = controller_on(storage, spec) if reason == "complete" else controller
                controller.record(SessionClosed(session=1, reason=reason))
                session = len(controller.history.sessions)
                controller.history.sessions[session:] = []
                told_at(paths, controller, lambda notices, why=reason: notices.tell_end(why))
                told_at(paths, controller, lambda notices, why=reason: notices.tell_end(why))
    heard = [message["id"] for message in hook.messages]
    assert len(heard) == len(set(heard))
    assert [each.split()[1] for each in heard].count("best") == 1
    assert "fake interruption 1" in heard
    assert any(each.startswith("fake end") for each in heard)
    assert hook.knocks > len(hook.messages)
    assert len(mail.messages) == len([each for each in heard if "best" not in each])
    written = write_folder(tmp_path / "last", spec, storage).folder.local_path()
    assert written is not None
    for path in written.rglob("*"):
        assert not path.is_file() or SECRET not in path.read_text()


def test_a_receiver_that_stays_down_is_told_of_once_and_costs_no_more_than_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/")
    monkeypatch.setattr(module, "PATIENCE_S", 0.3)
    spec = spec_told({"to": "slack", "at": {"env": "HOOK"}})
    storage = Storage()
    controller = controller_on(storage, spec)
    paths = write_folder(tmp_path, spec, storage)
    said = told_at(paths, controller, lambda notices: notices.tell_fault("the disk is full"))
    assert said == [
        "a notice has not reached slack: ConnectionRefusedError",
        "slack has not taken its notice; the study is well",
    ]
    assert not controller.history.notices, "so the next driver tells it"


def test_an_address_is_hidden_from_what_the_driver_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", SECRET)
    spec = spec_told({"to": "slack", "at": {"env": "HOOK"}}, {"to": "slack", "at": {"env": "NONE"}})
    storage = Storage()
    controller = controller_on(storage, spec)
    paths = write_folder(tmp_path, spec, storage)
    said: list[str] = []
    with Notices(controller, paths, said.append):
        assert "HOOK" not in os.environ
    assert os.environ["HOOK"] == SECRET
    assert said == ["no notices go to slack: the environment variable NONE is not set"]
    (fault,) = notice_faults(spec)
    assert fault.path == ("notify", 1, "at")


def test_a_new_best_is_told_at_most_so_often_and_then_the_one_of_that_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(module.time, "time", lambda: now[0])
    with webhook() as hook:
        monkeypatch.setenv("HOOK", f"http://127.0.0.1:{hook.port}/")
        spec = spec_told({"to": "json", "at": {"env": "HOOK"}, "on": ["best"], "every_min": 10})
        storage = Storage()
        controller = controller_on(storage, spec)
        paths = write_folder(tmp_path, spec, storage)
        with Notices(controller, paths, print) as notices:
            drive(controller, thinks=lambda: bool(notices.tick()))
            first = len(controller.history.points)
            now[0] += 9 * 60
            notices.tick()
            now[0] += 2 * 60
            notices.tick()
            notices.tick()
            notices.tell_end("complete")
    best = [message["best_point"] for message in hook.messages]
    assert 1 <= len(best) <= 2
    assert first == 6
    assert len(set(best)) == len(best)
