"""The command line: every command, and how a mistake or a fault ends it."""

from __future__ import annotations

import os
import sys

from study.commands import changing, jobs, looking, running, writing
from study.commands.shared import app
from study.errors import StudyError

__all__ = ["app", "changing", "jobs", "looking", "main", "running", "writing"]


def main() -> None:
    """The console script: a user's mistake is plain lines and an exit code, never a traceback."""
    try:
        app()
    except StudyError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # whoever read our output has gone; nothing is left to be said, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        # a file, folder or bucket that is not there or not open to us: faults while a study runs have their own class
        print(f"{error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
