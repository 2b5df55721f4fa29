"""Webhooks, mail and commands, against servers on loopback."""

from __future__ import annotations

import json
import sys
from email import message_from_string
from email.policy import default
from pathlib import Path

import pytest

from study.execution.user.notices.message import Message
from study.execution.user.notices.receivers import NotDelivered, deliver, secret_at
from study.spec.parts.notices import Notice, Place

from .receiving import mail_server, webhook

MESSAGE = Message(
    "end",
    "end 1",
    "study s is <complete>",
    ("points  2 of 2", "next    study report s"),
    {"study": "s"},
)


def to(kind: str) -> Notice:
    return Notice.model_validate({"to": kind, "at": {"env": "A"}})


def test_a_webhook_gets_what_its_kind_understands() -> None:
    with webhook() as received:
        url = f"http://127.0.0.1:{received.port}/services/T/B?x=1"
        deliver(to("slack"), url, MESSAGE)
        deliver(to("discord"), url, MESSAGE)
        deliver(to("json"), f"{url}\nAuthorization: Bearer t0ken", MESSAGE)
    slack, discord, plain = received.messages
    assert slack["text"].startswith("*study s is &lt;complete&gt;*\n```points  2 of 2\n")
    assert discord["content"].startswith("**study s is <complete>**\n```points")
    assert discord["allowed_mentions"] == {"parse": []}
    assert (plain["version"], plain["id"], plain["occasion"]) == (1, "s end 1", "end")
    assert received.headers[2]["Authorization"] == "Bearer t0ken"


def test_a_mail_is_one_that_people_read() -> None:
    with mail_server() as received:
        deliver(
            to("mail"),
            f"smtp://127.0.0.1:{received.port}/?to=a@b.example&from=c@d.example",
            MESSAGE,
        )
    mail = message_from_string(received.messages[0], policy=default)
    assert mail["Subject"] == "study s is <complete>"
    assert (mail["To"], mail["From"]) == ("a@b.example", "c@d.example")
    assert mail.get_content().split("\n")[0].strip() == "points  2 of 2"
    assert mail["Message-ID"]


def test_a_command_reads_the_notice_as_json(tmp_path: Path) -> None:
    there = tmp_path / "got.json"
    code = f"import sys; open({str(there)!r}, 'w').write(sys.stdin.read())"
    deliver(to("command"), f'{sys.executable} -c "{code}"', MESSAGE)
    assert json.loads(there.read_text())["title"] == MESSAGE.title


@pytest.mark.parametrize(
    ("kind", "secret", "why", "for_good"),
    [
        ("json", "http://127.0.0.1:9/S3CRET", "ConnectionRefusedError", False),
        ("json", "S3CRET", "the address makes no sense", True),
        ("mail", "smtp://127.0.0.1:9/?to=S3CRET", "ConnectionRefusedError", False),
        ("mail", "https://S3CRET", "the address makes no sense", True),
        ("command", "no-such-command S3CRET", "there is no such command", True),
        ("command", "false S3CRET", "the command's exit code was 1", False),
        ("command", "false 'S3CRET", "the command makes no sense", True),
    ],
)
def test_what_does_not_arrive_is_told_without_its_address(
    kind: str, secret: str, why: str, for_good: bool
) -> None:
    with pytest.raises(NotDelivered) as caught:
        deliver(to(kind), secret, MESSAGE)
    assert str(caught.value) == why
    assert caught.value.for_good == for_good


def test_an_address_comes_from_a_variable_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", " here \n")
    (tmp_path / "hook").write_text("there\n")
    assert secret_at(Place(env="HOOK")) == "here"
    assert secret_at(Place(file=str(tmp_path / "hook"))) == "there"
    with pytest.raises(NotDelivered, match="the environment variable NOWHERE is not set"):
        secret_at(Place(env="NOWHERE"))
    with pytest.raises(NotDelivered, match="can't be read"):
        secret_at(Place(file=str(tmp_path / "none")))
