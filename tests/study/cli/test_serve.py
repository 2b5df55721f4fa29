"""The command that serves the page, as a user starts and ends it."""

from __future__ import annotations

import re
import signal
import stat
import urllib.request
from pathlib import Path

import pytest

from ..command import run, start


def test_it_prints_its_address_first_answers_there_and_ends_when_it_is_told_to(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    server = start(home, "serve", "--port", "0", "--share")
    assert server.stdout
    address = server.stdout.readline().strip()
    shared = server.stdout.readline().strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", address)
    assert re.fullmatch(r"to look only: http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", shared)
    token = tmp_path / "ray-study" / "page" / "token"
    assert address.endswith(token.read_text())
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(address, timeout=60) as answer:
        assert answer.status == 200
        assert "token" not in answer.url
    server.send_signal(signal.SIGTERM)
    rest, _ = server.communicate(timeout=60)
    assert (server.returncode, rest) == (0, "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--port", "99999"], "--port must be from 0 to 65535; found 99999"),
        (["--base-path", "x/"], "--base-path must be made of parts like /studies"),
        (["--tls-cert", "a.pem"], "TLS takes both"),
        (["--tls-cert", "a.pem", "--tls-key", "b.pem"], "--tls-cert must be a file"),
        (["--storage", "ftp://x"], "a storage is a folder, or s3://BUCKET/PREFIX"),
        (["--host", "192.0.2.1"], "192.0.2.1:8080 can't be listened on"),
    ],
)
def test_a_mistake_is_one_line(home: Path, words: list[str], told: str) -> None:
    done = run(home, "serve", *words, code=2)
    assert done.stdout == ""
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
