"""Who is told: webhooks, mail, commands. What is secret of them is read here and shown nowhere.

Errors of the libraries may quote an address, so that only their kind is ever told.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shlex
import smtplib
import ssl
import subprocess
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from study.execution.user.notices.message import Message

if TYPE_CHECKING:
    from study.spec.parts.notices import Notice, Place

_TIMEOUT_S = 10.0
_COMMAND_TIMEOUT_S = 60.0
_LONGEST_DISCORD = 1900
_ASK_AGAIN = (408, 425, 429)
"""What a server answers that may take the same another time, beside its own faults."""


class NotDelivered(Exception):
    """A notice did not arrive; the text has nothing secret in it."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good
        """Whether trying again is in vain."""


def secret_at(place: Place) -> str:
    """Read an address, token or command; NotDelivered where it isn't there."""
    if place.env is not None:
        found = os.environ.get(place.env, "").strip()
        if not found:
            raise NotDelivered(f"the environment variable {place.env} is not set", for_good=True)
        return found
    assert place.file is not None
    try:
        found = Path(place.file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError):
        raise NotDelivered(f"the file {place.file} can't be read", for_good=True) from None
    if not found:
        raise NotDelivered(f"the file {place.file} is empty", for_good=True)
    return found


def deliver(notice: Notice, secret: str, message: Message) -> None:
    """Hand a message over; NotDelivered where that fails."""
    try:
        match notice.to:
            case "mail":
                _mail(secret, message)
            case "command":
                _command(secret, message)
            case _:
                _post(secret, _payload(notice.to, message))
    except (OSError, http.client.HTTPException, smtplib.SMTPException) as error:
        raise NotDelivered(type(error).__name__) from None
    except (ValueError, UnicodeError):
        what = "the command" if notice.to == "command" else "the address"
        raise NotDelivered(f"{what} makes no sense", for_good=True) from None


# -- webhooks --------------------------------------------------------------------------


def _payload(to: str, message: Message) -> dict[str, Any]:
    if to == "slack":
        return {"text": f"*{_for_slack(message.title)}*\n```{_for_slack(message.text)}```"}
    if to == "discord":
        text = message.text.replace("```", "'''")[:_LONGEST_DISCORD]
        return {
            "content": f"**{message.title[:80]}**\n```{text}```",
            "allowed_mentions": {"parse": []},
        }
    return message.document()


def _for_slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(secret: str, payload: dict[str, Any]) -> None:
    """Post JSON to a URL, the first line of ``secret``; headers may stand in the lines below."""
    url, *header_lines = secret.splitlines()
    headers = dict(_header(line) for line in header_lines if line.strip())
    parts = urlsplit(url.strip())
    connection = _connection(parts)
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    body = json.dumps(payload, ensure_ascii=False).encode()
    try:
        connection.request("POST", target, body, {"Content-Type": "application/json", **headers})
        status = connection.getresponse().status
    finally:
        connection.close()
    if not 200 <= status < 300:
        in_vain = status < 500 and status not in _ASK_AGAIN
        raise NotDelivered(f"the answer was {status}", for_good=in_vain)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise ValueError
    return name.strip(), value.strip()


def _connection(parts: SplitResult) -> http.client.HTTPConnection:
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError
    if parts.scheme == "http":
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=_TIMEOUT_S)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(
        parts.hostname, parts.port, timeout=_TIMEOUT_S, context=context
    )


# -- mail ------------------------------------------------------------------------------


def _mail(secret: str, message: Message) -> None:
    """Send by ``smtp[s]://USER:PASSWORD@HOST:PORT/?to=A,B&from=C``."""
    parts = urlsplit(secret.splitlines()[0].strip())
    options = parse_qs(parts.query)
    receivers = [each for text in options.get("to", []) for each in text.split(",")]
    if not parts.hostname or parts.scheme not in ("smtp", "smtps") or not receivers:
        raise ValueError
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = options.get("from", receivers)[0]
    mail["To"] = ", ".join(receivers)
    digest = hashlib.sha256(message.document()["id"].encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{digest}@ray-study>"
    mail.set_content(message.text + "\n")
    with _smtp(parts) as server:
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(mail)


def _smtp(parts: SplitResult) -> smtplib.SMTP:
    """Connect to a mail server, encrypted where it can; never a password in the clear, but to this
    machine itself.
    """
    host = parts.hostname or ""
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(host, parts.port or 465, timeout=_TIMEOUT_S, context=context)
    server = smtplib.SMTP(host, parts.port or 587, timeout=_TIMEOUT_S)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=context)
    elif parts.username and host not in ("localhost", "127.0.0.1", "::1"):
        server.close()
        raise NotDelivered("the mail server would get its password in the clear", for_good=True)
    return server


# -- commands --------------------------------------------------------------------------


def _command(secret: str, message: Message) -> None:
    """Run a command, without a shell, that reads the notice as JSON from its standard input."""
    try:
        done = subprocess.run(
            shlex.split(secret),
            input=message.json().encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotDelivered(f"the command took more than {_COMMAND_TIMEOUT_S:.0f} s") from None
    except FileNotFoundError:
        raise NotDelivered("there is no such command", for_good=True) from None
    if done.returncode:
        raise NotDelivered(f"the command's exit code was {done.returncode}")
