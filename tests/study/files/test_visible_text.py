"""Text from outside is shown, and does not act."""

from __future__ import annotations

import pytest

from study.files.visible_text import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07\x1b[2J", r"\x1b]0;title\x07\x1b[2J"),
        ("\u009b31m red", r"\x9b31m red"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("caf\udce9.png", r"caf\udce9.png"),
        ("progress\rdone\x00\x7f", r"progress\x0ddone\x00\x7f"),
        ("two\r\nlines\n\tindented", "two\nlines\n\tindented"),
        ("Größe ≥ 3 µs, 日本語, 🙂", "Größe ≥ 3 µs, 日本語, 🙂"),
    ],
)
def test_what_would_act_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    visible(text).encode()
