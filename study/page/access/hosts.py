"""By which names a server may be asked for: another one may be of a page that points it here."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

import psutil

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERYWHERE = frozenset({"0.0.0.0", "::", ""})


def served_names(host: str, allowed: Iterable[str]) -> frozenset[str]:
    """Return the names that requests may have in their Host: those of the address that is listened
    on, and those allowed besides.
    """
    names = {_plain(name) for name in allowed}
    if host in _EVERYWHERE:
        names |= _LOOPBACK | _names_of_this_machine()
    elif is_loopback(host):
        names |= _LOOPBACK | {_plain(host)}
    else:
        names.add(_plain(host))
    return frozenset(names)


def name_in(host_header: str) -> str:
    """Return the name in a Host header, or in an origin's: without the port, in lower case."""
    host = host_header.strip()
    if host.startswith("["):
        return _plain(host.partition("]")[0])
    return _plain(host.partition(":")[0])


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return _plain(host) == "localhost"


def _plain(name: str) -> str:
    return name.strip().strip("[]").lower().rstrip(".")


def _names_of_this_machine() -> set[str]:
    names = {_plain(socket.gethostname()), _plain(socket.getfqdn())}
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family in (socket.AF_INET, socket.AF_INET6):
                names.add(_plain(address.address.partition("%")[0]))
    return names
