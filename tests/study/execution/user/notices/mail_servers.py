"""A real mail server on loopback that asks for encryption and a password, and is down half the
time.
"""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "driver", "p4ss/w@rd"
_PEM = serialization.Encoding.PEM


def certificate(folder: Path) -> Path:
    """Write a certificate of this machine, signed by itself, and its key; return the former."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail on loopback")])
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([here]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "mail.key").write_bytes(private)
    path = folder / "mail.pem"
    path.write_bytes(made.public_bytes(_PEM))
    return path


class Mailbox:
    """What the server was told. Of three mails that it is brought it takes the last one alone."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.passwords: list[tuple[str, str, bool]] = []
        """User and password as they came, and whether they came encrypted."""
        self.knocks = 0
        self.port = 0

    def authenticate(
        self, server: Any, session: Any, envelope: Any, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        user, password = login.login.decode(), login.password.decode()
        is_encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.passwords.append((user, password, is_encrypted))
        is_right = (user, password) == (USER, PASSWORD)
        return AuthResult(success=is_right, handled=is_right)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if not session.authenticated:
            return "530 who is it?"
        self.knocks += 1
        if self.knocks % 3 == 1:
            return "451 the disk is full, try again later"
        if self.knocks % 3 == 2:
            server.transport.abort()
            return "421 gone"
        self.mails.append(envelope.content.decode())
        return "250 taken"


@contextmanager
def mail_server(certificate: Path, *, is_encrypted_from_the_start: bool) -> Iterator[Mailbox]:
    """Serve by ``smtps``, or by ``smtp`` that asks for STARTTLS before anything else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    mailbox, loop = Mailbox(), asyncio.new_event_loop()
    options: dict[str, Any] = {"authenticator": mailbox.authenticate}
    if is_encrypted_from_the_start:
        options |= {"auth_require_tls": False}  # it doesn't know what it is behind
    else:
        options |= {"tls_context": context, "require_starttls": True}

    def connection() -> SMTP:
        return SMTP(mailbox, hostname="here", loop=loop, **options)

    from_the_start = context if is_encrypted_from_the_start else None
    serving = loop.create_server(connection, "127.0.0.1", 0, ssl=from_the_start)
    server = loop.run_until_complete(serving)
    mailbox.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield mailbox
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end_connections(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end_connections() -> None:
    """Cancel what still waits for somebody to say something."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
