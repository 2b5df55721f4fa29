"""The ``study`` commands in a text of shell commands, and whether each could be typed so."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from study.cli.main import app


def study_commands(text: str) -> Iterator[list[str]]:
    """Give the words after ``study`` of each such command in a shell text."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set(";&|()<>"):
                if words[:1] == ["study"]:
                    yield words[1:]
                words = []
            else:
                words.append(word)


def check_command(words: list[str]) -> None:
    """Parse a command as the command line would, without doing it; raise where it is none."""
    commands: Mapping[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    name, *rest = words
    if name.startswith("-"):
        return
    assert name in commands, f"study {name}: there is no such command"
    commands[name].make_context(name, list(rest))
