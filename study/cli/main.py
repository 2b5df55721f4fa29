"""The command line: every command, and how a mistake or a fault ends it."""

from __future__ import annotations

import gc
import os
import sys

from study.cli import modify, submit, inspect, run, export  # isort: skip # the order of --help
from study.cli.options import app
from study.errors import StudyError

SELDOM = (200_000, 50, 100)
"""Garbage is looked for after so many new objects: what a command loads is none, and a tenth of its
time went there.
"""

__all__ = ["answer", "app", "export", "inspect", "main", "modify", "run", "submit"]


def main() -> None:
    """The console script: a user's mistake is plain lines and an exit code, never a traceback.

    The process ends without taking apart what it has loaded, which after a run would take a second
    for nothing.
    """
    gc.set_threshold(*SELDOM)
    code = answer()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = 0
    os._exit(code)


def answer() -> int:
    """Carry the command out; its exit code."""
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except StudyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0  # whoever read our output has gone; nothing is left to be said
    except OSError as error:
        # a file, folder or bucket that is not there or not open to us: faults while a study runs
        # have their own class
        print(f"{error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        return 2
    return 0
