"""The server: it says where it is, and answers until it is told to end."""

from __future__ import annotations

import asyncio
import resource
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from aiohttp import web

from study.errors import UserError
from study.page.access.hosts import is_loopback
from study.page.access.tokens import Tokens
from study.page.app import make_app
from study.page.settings import PageSettings

Say = Callable[[str], None]
_KEPT_S = 75.0
"""So long a connection that asks nothing is kept."""
_GRACE_S = 2.0
"""So long requests that are being answered may take when the server ends."""


def serve(settings: PageSettings, tokens: Tokens, say: Say, note: Say, opened: Say) -> None:
    """Serve the page until SIGINT or SIGTERM.

    ``say`` is told the addresses, ``note`` what the user should know beside them, and ``opened``
    the address once it answers. UserError where the address can't be listened on.
    """
    context = _tls(settings)
    _allow_many_connections()
    with _listening(settings) as listener:
        bound = replace(settings, port=listener.getsockname()[1])
        asyncio.run(_serve(bound, tokens, listener, context, say, note, opened))


async def _serve(
    settings: PageSettings,
    tokens: Tokens,
    listener: socket.socket,
    context: ssl.SSLContext | None,
    say: Say,
    note: Say,
    opened: Say,
) -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    app = make_app(settings, tokens)
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=_KEPT_S, shutdown_timeout=_GRACE_S
    )
    await runner.setup()
    try:
        site = web.SockSite(runner, listener, ssl_context=context)
        await site.start()
        address = address_of(settings, tokens.full)
        say(address)
        if tokens.read_only is not None:
            say(f"to look only: {address_of(settings, tokens.read_only)}")
        if not is_loopback(settings.host) and context is None:
            note(
                "others can reach this, and without TLS whoever listens in on the network reads"
                " the token and all that is shown: --tls-cert FILE --tls-key FILE"
            )
        opened(address)
        await end.wait()
    finally:
        await runner.cleanup()


def address_of(settings: PageSettings, token: str) -> str:
    """Return the address of the first page, which lets in whoever has it."""
    host = settings.host
    if host in ("0.0.0.0", "::", ""):
        host = socket.gethostname()
    if ":" in host:
        host = f"[{host}]"
    path = f"{settings.base_path}/?token={token}"
    return f"{settings.scheme}://{host}:{settings.port}{path}"


def _listening(settings: PageSettings) -> socket.socket:
    """Listen on the address; UserError where that can't be."""
    try:
        (family, _, _, _, address), *_ = socket.getaddrinfo(
            settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        raise UserError(
            f"{settings.host}:{settings.port} can't be listened on: {error.strerror or error};"
            " --port takes another, and 0 one that is free"
        ) from error


def _allow_many_connections() -> None:
    """Let this process have as many files open as it may: each viewer takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _tls(settings: PageSettings) -> ssl.SSLContext | None:
    if not settings.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise UserError(
            f"{settings.tls_cert} and {settings.tls_key} are no certificate with its key: {error}"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
