"""Attacks on every address: refused, or survived, and nothing is changed by them."""

from __future__ import annotations

import json
import re
import resource
import socket
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlencode

import pytest

from study.page.access.forms import WORD
from study.page.actions import requests as module
from study.page.routes import POST, ROUTES

from ...analysis.conftest import Maker, sgd
from .served import BROWSER, FULL, LOOKING, TOKENS, Served, serving, settings_of

PARTS = {"label": "lab", "name": "one", "trial": "2", "action": "add", "file": "page.css"}
ALL = [(method, path.format_map(PARTS)) for method, path, _ in ROUTES]
POSTED = [path for method, path in ALL if method == POST]
SCRIPT = "<script>alert(1)</script>"
BODIES = [
    {},
    {"points": 60},
    {"values": {"optimizer.name": "sgd", "optimizer.lr": 0.25, "optimizer.momentum": 0.5}},
    {"point": 0},
    {"failed": True},
    {"file": "study: tiny\nsampler: first-only\nfirst: [{set: {}}]\nrecipe: {model: mlp}\n"},
]
"""Between them what every action takes."""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """A study with something to do to it."""
    made = Maker(tmp_path_factory.mktemp("attacked") / "lab", name="one")
    made.complete_point(sgd(0.1, 0.9), [0.90, 0.92])
    made.report(made.start(made.point(sgd(0.2, 0.9)), 0), 1, 0.5)
    made.close(0, "interrupted")
    return made


@pytest.fixture(scope="module")
def attacked(study: Maker) -> Iterator[Served]:
    with serving(settings_of(study.paths.storage.local_path())) as server:
        yield server


@pytest.fixture(autouse=True)
def _unchanged(study: Maker) -> Iterator[None]:
    """Whatever was sent, the study is as it was, and nothing is beside it."""
    folder = study.paths.storage.local_path()
    assert folder is not None
    yield
    found = {path.name for path in folder.rglob("*") if path.name != "lock"}
    assert found == {"one", "study.yaml", "journal", "events.jsonl"}
    assert study.paths.journal.read_bytes().count(b"\n") == study.records


def cookie(served: Served) -> dict[str, str]:
    return {"Cookie": f"study_token_{served.port}={TOKENS.full}"}


ELSEWHERE = [
    {"Origin": "http://elsewhere.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {},
]


@pytest.mark.parametrize("path", POSTED)
def test_no_page_elsewhere_changes_anything(attacked: Served, path: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    data = {"Content-Type": "application/json"}
    for headers in ELSEWHERE:
        for body in BODIES:
            sent = cookie(attacked) | headers
            assert attacked.ask(path, sent | data, POST, json.dumps(body).encode()).status == 403
            fields = {**body, "csrf": attacked.app[WORD]}
            assert attacked.ask(path, sent | form, POST, urlencode(fields).encode()).status == 403


@pytest.mark.parametrize("path", POSTED)
def test_a_form_without_the_pages_word_changes_nothing(attacked: Served, path: str) -> None:
    own = {"Origin": f"http://127.0.0.1:{attacked.port}", "Sec-Fetch-Site": "same-origin"}
    kinds = ("application/x-www-form-urlencoded", "APPLICATION/X-WWW-FORM-URLENCODED; a=b")
    for kind in kinds:
        for body in BODIES:
            for word in ("", "0" * 64, TOKENS.full):
                headers = cookie(attacked) | own | {"Content-Type": kind}
                sent = urlencode({**body, "csrf": word}).encode()
                assert attacked.ask(path, headers, POST, sent).status == 403


@pytest.mark.parametrize(("method", "path"), ALL)
def test_every_address_asks_for_host_and_token(attacked: Served, method: str, path: str) -> None:
    foreign = FULL | {"Host": "elsewhere.example"}
    assert attacked.ask(path, foreign, method, b"").status == 421
    if path == "/health":
        return
    for wrong in ({}, {"Authorization": "Bearer x"}, {"Cookie": f"study_token_{attacked.port}=x"}):
        assert attacked.ask(path, wrong, method, b"").status == 401
    assert attacked.ask(f"{path}?token=x", {}, method, b"").status == 401
    if method == POST:
        assert attacked.ask(path, LOOKING, method, b"").status == 403
        assert attacked.ask(f"{path}?token={TOKENS.full}", {}, method, b"").status == 401


LEADING_OUT = ("..", ".", "%2e%2e", "..%2f..%2fetc", "%2fetc%2fpasswd", "a%00b", "%ff", "..%5c..")


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("name", LEADING_OUT)
def test_no_part_of_a_path_leads_out(attacked: Served, part: str, name: str) -> None:
    for method, path, _ in ROUTES:
        if f"{{{part}}}" in path:
            address = path.format_map(PARTS | {part: name})
            body = b'{"point": 0}' if method == POST else None
            headers = FULL | {"Content-Type": "application/json"}
            answer = attacked.ask(address, headers, method, body)
            assert answer.status in (400, 404), address
            assert "root:" not in answer.text


@pytest.mark.parametrize("path", POSTED)
def test_texts_that_are_sent_do_not_act_where_they_are_shown(attacked: Served, path: str) -> None:
    own = cookie(attacked) | {"Origin": f"http://127.0.0.1:{attacked.port}"} | BROWSER
    form = own | {"Content-Type": "application/x-www-form-urlencoded"}
    for field in (SCRIPT, "values", "file", "storage", "trials", "point", "points"):
        fields = {"csrf": attacked.app[WORD], field: f"{SCRIPT}\x1b[31m={SCRIPT}"}
        answer = attacked.ask(path, form, POST, urlencode(fields).encode())
        assert answer.status in (303, 400, 409)
        page = attacked.page(answer.headers["Location"]) if answer.status == 303 else answer.text
        assert SCRIPT not in page
        assert "\x1b" not in page


def test_texts_of_an_address_do_not_act_where_they_are_shown(attacked: Served) -> None:
    query = urlencode(
        {
            "values": f"{SCRIPT}=1",
            "point": SCRIPT,
            "points": SCRIPT,
            "trials": SCRIPT,
            "weight": SCRIPT,
        }
    )
    for action in ("add", "drop", "share", "extend", "retry", "stop", "resume"):
        answer = attacked.ask(f"/s/lab/one/do/{action}?{query}&told={SCRIPT}", FULL | BROWSER)
        assert answer.status in (200, 400)
        assert SCRIPT not in answer.text


@pytest.mark.parametrize("path", POSTED)
def test_what_is_too_large_is_refused_before_it_has_come(attacked: Served, path: str) -> None:
    start = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKENS.full}\r\n"
    kind = "Content-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", attacked.port), timeout=60) as sent:
        sent.sendall(f"{start}{kind}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        with suppress(OSError):  # the server hangs up
            for _ in range(64):
                sent.sendall(chunk)
        assert _status(sent) in (413, 0)
    assert attacked.ask("/health", {}).status == 200


def _status(sent: socket.socket) -> int:
    """Return the answer's status; 0 where the server has hung up."""
    try:
        found = re.match(rb"HTTP/1.1 (\d+)", sent.recv(100))
    except OSError:
        return 0
    return int(found[1]) if found else 0


def test_what_never_comes_is_not_waited_for(
    attacked: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SENT_WITHIN_S", 0.1)
    head = (
        f"POST /api/s/lab/one/drop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n"
        f"Content-Type: application/json\r\nAuthorization: Bearer {TOKENS.full}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", attacked.port), timeout=60) as sent:
        sent.sendall(head.encode() + b'{"po')
        assert _status(sent) == 408


def test_a_thousand_connections_at_once_are_borne(attacked: Served) -> None:
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, max(files, 4096)), most))
    waiting = []
    try:
        for number in range(1000):
            connection = socket.create_connection(("127.0.0.1", attacked.port), timeout=60)
            waiting.append(connection)
            if number % 2:
                connection.sendall(b"POST /api/submit HTTP/1.1\r\nHost: ")  # and never ends
        assert attacked.ask("/health", {}).status == 200
        assert attacked.ask("/s/lab/one.json").status == 200
    finally:
        for connection in waiting:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
