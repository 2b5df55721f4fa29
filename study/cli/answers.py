"""``--format json`` of every command, so that programs read all that people read.

A command that has no forms of its own gets the option here. In JSON its answer is one mapping: what
it tells by ``answer``, and under ``lines`` what a person would have read. Progress goes to the
standard error then, and nothing is asked. ``version`` is in every answer that is a mapping; it
grows where a key is taken away or means something else.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from study.errors import SpecError, StudyError, UserError
from study.files.visible_text import visible

VERSION = 1
_FORMAT = "--format"
_FormOption = Annotated[str, typer.Option(_FORMAT, help="table or json.")]


class _Answer:
    """The answer of the command that runs now, as far as it is known."""

    def __init__(self) -> None:
        self.is_wanted = False
        """Whether one mapping is to be printed at the command's end."""
        self.facts: dict[str, Any] = {}
        self.lines: list[str] = []


_answer = _Answer()


def answer(**facts: Any) -> None:
    """Tell programs what a command has done, by its keys; people read what is echoed."""
    _answer.facts |= facts


def is_collecting() -> bool:
    """Whether what the command tells becomes one mapping in JSON, and nothing is asked."""
    return _answer.is_wanted


def collect(text: str) -> None:
    """Take up a text that a person would have read."""
    _answer.lines += text.splitlines()


def print_json(data: Any) -> None:
    """Print plain data as JSON; a mapping has its ``version``."""
    if isinstance(data, Mapping):
        data = {"version": VERSION, **data}
    text = json.dumps(data, indent=2, ensure_ascii=False, default=str)
    print(visible(text))


def print_now(**facts: Any) -> None:
    """Print a mapping on a line of its own, of a command that goes on telling."""
    print(
        visible(json.dumps({"version": VERSION, **facts}, ensure_ascii=False, default=str)),
        flush=True,
    )


def asks_for_json(words: Sequence[str]) -> bool:
    """Whether a command line wants its answer in JSON."""
    if f"{_FORMAT}=json" in words:
        return True
    return (_FORMAT, "json") in itertools.pairwise(words)


def with_format(command: Callable[..., None], name: str) -> Callable[..., None]:
    """Return a command with ``--format json``; itself where it has forms of its own."""
    signature = inspect.signature(command, eval_str=True)
    if "form" in signature.parameters:
        return command

    @functools.wraps(command)
    def formatted(*words: Any, form: str, **options: Any) -> None:
        if form not in ("table", "json"):
            raise UserError(f"{_FORMAT}: must be one of table | json; found {form!r:.60}")
        if form == "table":
            command(*words, **options)
            return
        with _collected(name):
            command(*words, **options)

    option = inspect.Parameter(
        "form", inspect.Parameter.KEYWORD_ONLY, default="table", annotation=_FormOption
    )
    parameters = [*signature.parameters.values(), option]
    formatted.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    formatted.__annotations__ = {each.name: each.annotation for each in parameters}
    return formatted


@contextmanager
def _collected(command: str) -> Iterator[None]:
    """Print, as one mapping, what is told within the block."""
    global _answer
    _answer = _Answer()
    _answer.is_wanted = True
    exit_code = 0
    try:
        yield
    except typer.Exit as end:
        exit_code = end.exit_code
    finally:
        told, _answer = _answer, _Answer()
    if told.facts or told.lines:
        head = {"command": command, "exit_code": exit_code}
        print_json({**head, **told.facts, "lines": told.lines})
    if exit_code:
        raise typer.Exit(exit_code)
    sys.stdout.flush()


def print_error(error: BaseException) -> int:
    """Say as JSON why a command has failed, and return its exit code."""
    message, exit_code = str(error), 2
    faults = {"faults": list(error.lines)} if isinstance(error, SpecError) else {}
    if isinstance(error, StudyError):
        exit_code = error.exit_code
    elif isinstance(error, OSError):
        message = f"{error.filename or 'the system'}: {error.strerror or error}"
    elif isinstance(error, KeyboardInterrupt | typer.Abort):
        message, exit_code = "interrupted", 130
    elif is_usage_error(error):
        message = str(error.format_message())  # type: ignore[attr-defined]
    kind = type(error).__name__
    print_json({"error": message, "kind": kind, "exit_code": exit_code, **faults})
    return exit_code


def is_usage_error(error: BaseException) -> bool:
    """Whether the command line itself is at fault: typer has no public name for that error."""
    return hasattr(error, "format_message")
