"""Who is let in at a cluster's address."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit
from urllib.request import urlopen

_CONNECT_TIMEOUT_S = 5.0


def answers_without_token(address: str) -> bool:
    """Whether a dashboard lets in who has no token: then that of the user protects nothing."""
    try:
        with urlopen(f"{address.rstrip('/')}/api/jobs/", timeout=_CONNECT_TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (OSError, ValueError):  # refused, or not to be asked
        return False


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own, which no other reaches."""
    host = urlsplit(address).hostname or address.partition(":")[0]
    if host in ("localhost", "auto"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
