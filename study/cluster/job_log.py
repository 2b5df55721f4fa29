"""What a job writes into its log for whoever has submitted it, between all that others write."""

from __future__ import annotations

import json
from collections.abc import Callable

from study.errors import UserError

_ACCEPTED = "study-job accepted"
_REFUSED = "study-job refused "


def print_acceptance() -> None:
    """Say that the study is going to be driven; what follows in the log is the study's."""
    print(_ACCEPTED, flush=True)


def print_refusal(reason: str) -> None:
    """Say why the study is not driven."""
    print(_REFUSED + json.dumps(reason), flush=True)


def is_accepted(log: str) -> bool:
    """Whether the job has accepted its study. Raises UserError where it has refused it."""
    for line in log.splitlines():
        if line.startswith(_REFUSED):
            raise UserError(json.loads(line.removeprefix(_REFUSED)))
        if line.startswith(_ACCEPTED):
            return True
    return False


class StudyLines:
    """Passes on the lines of a job's log that are the study's: those after its acceptance."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begun_line = ""
        self._is_accepted = False

    def feed(self, text: str) -> None:
        """Take the next piece of the log; a line that it only begins waits for its end."""
        *lines, self._begun_line = (self._begun_line + text).split("\n")
        for line in lines:
            if self._is_accepted:
                self._say(line)
            elif line.startswith(_ACCEPTED):
                self._is_accepted = True
