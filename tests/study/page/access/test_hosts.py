"""By which names a server is asked for."""

from __future__ import annotations

import socket

import pytest

from study.page.access.hosts import is_loopback, name_in, served_names


def test_loopback_is_one_under_all_its_names() -> None:
    for host in ("127.0.0.1", "localhost", "::1"):
        assert served_names(host, ()) >= {"127.0.0.1", "localhost", "::1"}


def test_everywhere_is_this_machines_names_and_addresses() -> None:
    names = served_names("0.0.0.0", ["Lab.example."])
    assert {socket.gethostname().lower(), "127.0.0.1", "localhost", "lab.example"} <= names


def test_one_address_is_served_by_its_name_alone() -> None:
    assert served_names("192.0.2.7", ()) == {"192.0.2.7"}


@pytest.mark.parametrize(
    ("header", "name"),
    [("a.b:80", "a.b"), ("A.B.", "a.b"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("", "")],
)
def test_a_header_names_a_host(header: str, name: str) -> None:
    assert name_in(header) == name


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.3.2.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("a.b", False)],
)
def test_loopback_is_known(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
