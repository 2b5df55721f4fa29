"""Mails by a real server that asks for encryption and a password: each arrives once."""

from __future__ import annotations

from email import message_from_string
from email.policy import default
from pathlib import Path
from urllib.parse import quote

import pytest

from study.execution.user.notices import outbox
from study.execution.user.notices.message import Message
from study.execution.user.notices.outbox import Outbox
from study.execution.user.notices.receivers import NotDelivered, deliver
from study.spec.parts.notices import Notice

from .mail_servers import PASSWORD, USER, certificate, mail_server

NOTICE = Notice.model_validate({"to": "mail", "at": {"env": "MAIL"}})


def message(number: int) -> Message:
    return Message("best", f"best {number}", f"study s: {number}", ("a line",), {"study": "s"})


def address(scheme: str, port: int, password: str = PASSWORD) -> str:
    who = f"{USER}:{quote(password, safe='')}"
    return f"{scheme}://{who}@127.0.0.1:{port}/?to=a@b.example&from=study@b.example"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_each_mail_arrives_once_at_a_server_that_is_down_more_often_than_not(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "_FIRST_PAUSE_S", 0.01)
    own = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with mail_server(own, is_encrypted_from_the_start=scheme == "smtps") as mailbox:
        box = Outbox(NOTICE, address(scheme, mailbox.port))
        outcomes = []
        for number in range(4):
            box.send(message(number))
        while box.is_busy:
            outcomes += box.outcomes()
        box.close()
    mails = [message_from_string(mail, policy=default) for mail in mailbox.mails]
    assert [mail["Subject"] for mail in mails] == [f"study s: {number}" for number in range(4)]
    assert len({mail["Message-ID"] for mail in mails}) == 4
    assert mailbox.knocks == 12
    assert set(mailbox.passwords) == {(USER, PASSWORD, True)}
    assert [outcome.is_sent for outcome in outcomes] == [False, False, True] * 4
    assert not any(PASSWORD in outcome.why_not for outcome in outcomes)


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_server_that_is_not_who_it_says_gets_no_password(scheme: str, tmp_path: Path) -> None:
    own = certificate(tmp_path)  # nobody has been told to believe it
    with (
        mail_server(own, is_encrypted_from_the_start=scheme == "smtps") as mailbox,
        pytest.raises(NotDelivered) as caught,
    ):
        deliver(NOTICE, address(scheme, mailbox.port), message(1))
    assert str(caught.value) == "SSLCertVerificationError"
    assert not mailbox.passwords
    assert not mailbox.mails


def test_a_wrong_password_is_told_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    with (
        mail_server(own, is_encrypted_from_the_start=False) as mailbox,
        pytest.raises(NotDelivered) as caught,
    ):
        deliver(NOTICE, address("smtp", mailbox.port, "wr0ng"), message(1))
    assert str(caught.value) == "SMTPAuthenticationError"
    assert not mailbox.mails
