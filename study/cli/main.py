"""The ``study`` command: all its commands, and how a mistake or a fault ends one."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from typer import Abort

from study.cli import modify  # isort: skip # their order is that of --help
from study.cli.cluster import submit  # isort: skip
from study.cli import inspect, watch, serve, decisions  # isort: skip
from study.cli.training import run, train  # isort: skip
from study.cli import export  # isort: skip
from study.cli.answers import asks_for_json, is_usage_error, print_error
from study.cli.options import app
from study.errors import StudyError, StudyFileChanged
from study.files.visible_text import visible

__all__ = [
    "app",
    "decisions",
    "export",
    "inspect",
    "main",
    "modify",
    "run",
    "serve",
    "submit",
    "train",
    "watch",
]

_GARBAGE_THRESHOLDS = (200_000, 50, 100)
"""The collector looks for garbage after so many new objects: what a command loads is none, and a
tenth of the command's time went there.
"""


def main() -> None:
    """Be the console script: a user's mistake is plain lines and an exit code, no traceback.

    The process ends without taking apart what it has loaded, which after a run would take a second
    for nothing.
    """
    _open_standard_streams()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    warnings.formatwarning = _as_line(warnings.formatwarning)
    warnings.simplefilter("default", StudyFileChanged)  # whatever PYTHONWARNINGS says of others
    exit_code = _run_command()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # whoever read our output has gone
    except OSError as error:
        with suppress(OSError):
            os.write(2, f"the output can't be written: {error.strerror}\n".encode())
    os._exit(exit_code)


def _open_standard_streams() -> None:
    """Lead the standard streams that are closed to nowhere.

    The next file that is opened would take a closed one's number, and the journal be what other
    libraries print into.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 # as long as the process


def _as_line(others: Callable[..., str]) -> Callable[..., str]:
    """Return what formats our warnings as one line, and ``others`` as they are by default."""

    def formatted(message: Warning | str, category: type[Warning], *place: Any) -> str:
        if issubclass(category, StudyFileChanged):
            return visible(f"{message}\n")
        return others(message, category, *place)

    return formatted


def _run_command() -> int:
    """Run the command that the command line names, and return its exit code."""
    if asks_for_json(sys.argv[1:]):
        return _run_for_a_program()
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except StudyError as error:
        print(visible(str(error)), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0  # whoever read our output has gone; nothing is left to be said
    except OSError as error:
        # a file, folder or bucket that is not there or not open to us: faults while a study runs
        # have their own class
        reason = f"{error.filename or 'the system'}: {error.strerror or error}"
        print(visible(reason), file=sys.stderr)
        return 2
    return 0


def _run_for_a_program() -> int:
    """Run the command, and say as JSON why it fails."""
    try:
        return app(standalone_mode=False) or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    except BrokenPipeError:
        return 0
    except (StudyError, OSError, KeyboardInterrupt, Abort) as error:
        return print_error(error)
    except Exception as error:
        if not is_usage_error(error):
            raise
        return print_error(error)
