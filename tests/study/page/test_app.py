"""What every request meets: its Host, its token, what isn't there, what is too large."""

from __future__ import annotations

import http.client
import socket
import threading
from pathlib import Path

import pytest

from study.page.readings.library import Library, Overview

from .served import BROWSER, FULL, LOOKING, TOKENS, Served, serving, settings_of


def test_health_is_told_without_a_token(served: Served) -> None:
    answer = served.ask("/health", {})
    assert (answer.status, answer.data) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", ["/", "/index.json", "/s/lab/mixed", "/static/page.css", "/nix"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}, {"Cookie": "x=y"}],
)
def test_nothing_else_is(served: Served, path: str, headers: dict[str, str]) -> None:
    answer = served.ask(path, headers)
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert set(answer.data) == {"error"}


def test_the_address_with_the_token_lets_in_and_leads_on_without_it(served: Served) -> None:
    answer = served.ask(f"/s/lab/mixed?token={TOKENS.full}&q=a%26b", {})
    assert answer.status == 303
    assert answer.headers["Location"] == "/s/lab/mixed?q=a%26b"
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert served.ask("/", {"Cookie": cookie.partition(";")[0]}).status == 200
    assert served.ask("/?token=wrong", {}).status == 401


def test_a_token_in_the_address_never_leads_to_another_host(served: Served) -> None:
    answer = served.ask(f"//elsewhere.example/?token={TOKENS.full}", {})
    assert answer.status in (303, 404)
    assert not answer.headers.get("Location", "/").startswith("//")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("[::1]:8080", 200),
        ("LOCALHOST.:80", 200),
        ("elsewhere.example", 421),
        ("127.0.0.1.elsewhere.example", 421),
        ("localhost@elsewhere.example", 421),
        ("", 421),
    ],
)
def test_only_a_host_that_is_served_is_answered(served: Served, host: str, status: int) -> None:
    assert served.ask("/index.json", FULL | {"Host": host}).status == status
    assert served.ask("/health", {"Host": host}).status == status


def test_a_request_without_a_host_is_refused(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as sent:
        sent.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        assert b" 421 " in sent.recv(100)


def test_a_proxys_name_is_served_where_it_is_allowed(lab: Path) -> None:
    with serving(settings_of(lab, allow_hosts=("Lab.Example",), base_path="/x")) as served:
        assert served.ask("/x/index.json", FULL | {"Host": "lab.example"}).status == 200
        page = served.ask("/x/", FULL | BROWSER | {"Host": "lab.example:443"}).text
        assert 'href="/x/s/lab/mixed"' in page
        assert 'href="/x/static/page.css' in page
        assert served.ask("/index.json").status == 404
        leads = served.ask(f"/x/?token={TOKENS.full}", {})
        assert leads.headers["Location"] == "/x/"
        assert "Path=/x;" in leads.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "path",
    [
        "/nix",
        "/s/lab",
        "/s/lab/nix",
        "/s/nix/mixed",
        "/s/lab/mixed/t/99",
        "/s/lab/mixed/t/-1",
        "/s/lab/mixed/t/1e1",
        "/s/lab/mixed/t/99999999999999999999/log",
        "/s/lab/mixed.json.json",
        "/static/nix.js",
    ],
)
def test_what_is_not_there_is_not_found(served: Served, path: str) -> None:
    answer = served.ask(path)
    assert answer.status == 404
    assert set(answer.data) == {"error"}
    shown = served.ask(path, FULL | BROWSER)
    assert shown.status == 404
    assert "<h1>" in shown.text or path.endswith((".json", ".js"))


@pytest.mark.parametrize("name", ["..", ".", "%2e%2e", "..%2f..%2fetc", "%2fetc%2fpasswd", "a%00b"])
@pytest.mark.parametrize(
    "path", ["/s/{}/mixed", "/s/lab/{}", "/s/lab/{}/t/0", "/s/lab/mixed/t/{}", "/static/{}"]
)
def test_no_path_leads_out_of_the_storages(served: Served, path: str, name: str) -> None:
    assert served.ask(path.format(name)).status in (400, 404)


def test_an_address_is_asked_for_as_it_is_meant_to_be(served: Served) -> None:
    answer = served.ask("/index.json", method="PUT")
    assert answer.status == 405
    assert "GET" in answer.headers["Allow"]


def test_what_is_too_long_is_refused(served: Served) -> None:
    assert served.ask("/index.json?q=" + "a" * 20_000).status == 400
    many = {f"X-{number}": "a" for number in range(500)}
    assert served.ask("/index.json", FULL | many).status == 400


def test_every_answer_says_what_a_browser_may_do_with_it(served: Served) -> None:
    for path, headers in (("/", FULL | BROWSER), ("/nix", FULL), ("/", {}), ("/health", {})):
        answer = served.ask(path, headers)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
    assert "immutable" in served.ask("/static/page.css").headers["Cache-Control"]


def test_a_read_only_token_looks(served: Served) -> None:
    assert served.ask("/s/lab/mixed.json", LOOKING).status == 200


def test_a_hundred_connections_at_once_are_borne(served: Served) -> None:
    waiting = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(100)]
    try:
        for connection in waiting:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: ")  # and never ends
        assert served.ask("/health", {}).status == 200
    finally:
        for connection in waiting:
            connection.close()


def test_whoever_leaves_in_the_middle_leaves_no_trace(
    served: Served, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("GET", "/s/lab/thirty", headers=FULL)
    connection.close()
    assert served.ask("/health", {}).status == 200
    assert "Traceback" not in capfd.readouterr().err


def test_the_server_ends_though_a_request_waits(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, may_go_on = threading.Event(), threading.Event()

    def waits(library: Library, patience_s: float) -> Overview:
        asked.set()
        may_go_on.wait()
        return Overview()

    monkeypatch.setattr(Library, "overview", waits)
    try:
        with serving(settings_of(lab)) as served:
            connection = http.client.HTTPConnection("127.0.0.1", served.port)
            connection.request("GET", "/", headers=FULL)
            assert asked.wait(60)
        connection.close()
    finally:
        may_go_on.set()
