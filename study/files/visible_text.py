"""Text from outside, so that it is shown and does not act where it is shown.

Failure messages, hosts, values and names can hold anything: sequences that clear a terminal or set
its title, marks that turn the reading direction round, bytes that are no Unicode.
"""

from __future__ import annotations

import re

_ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # of the reading direction
    "\ud800-\udfff]"  # halves of characters, as bytes that are no Unicode are read
)


def visible(text: str) -> str:
    r"""Return the text with what would act written out: ``\x1b`` for an escape character.

    Tabs and line ends stay. A carriage return before a line end goes.
    """
    return _ACTING.sub(_written_out, text.replace("\r\n", "\n"))


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
