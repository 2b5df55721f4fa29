"""What a driver does between results: answers requests, removes checkpoints, keeps tables fresh."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from study.controller.controller import Controller
from study.execution.checkpoint_retention import CheckpointRetention
from study.files import requests
from study.files.layout import StudyPaths

COLLECT_EVERY_S = 30.0
"""How often the tables of a running study are written anew, at most."""
_COLLECT_PAUSE = 10
"""How many times as long as writing took the next time is put off: it grows with the study."""


class Housekeeping:
    """A driver's periodic work; called ten times a second, it mostly finds nothing to do."""

    def __init__(
        self,
        controller: Controller,
        paths: StudyPaths,
        say: Callable[[str], None],
        check_held: Callable[[], None] = lambda: None,
    ) -> None:
        self._controller = controller
        self._paths = paths
        self._say = say
        self._check_held = check_held
        self._retention = CheckpointRetention(controller.spec, paths)
        self._requests_read = time.monotonic()
        self._collected = time.monotonic()
        self._endings_seen = -1

    def tick(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        if now - self._requests_read > requests.EVERY_S:
            self._requests_read = now
            self._check_held()
            self._controller.is_stopping()  # budgets run out while all workers are busy, too
            self._answer_requests()
        self._remove_checkpoints()
        if now - self._collected > COLLECT_EVERY_S:
            self._refresh_tables()
            spent_s = time.monotonic() - now
            self._collected = time.monotonic() + _COLLECT_PAUSE * spent_s

    def close(self) -> None:
        """Do the last round, once no trial runs any more."""
        with suppress(OSError):
            self._retention.remove_everything_unneeded(self._controller.history)

    def _answer_requests(self) -> None:
        with suppress(OSError):  # what can't be read now can be later
            for request in requests.take(self._paths):
                self._carry_out(request)

    def _carry_out(self, request: dict[str, Any]) -> None:
        controller = self._controller
        match request["do"]:
            case "stop":
                self._say("asked to stop")
                controller.stopping = controller.stopping or "interrupted"
            case "stop_trial":
                was_running = controller.stop_trial(request["trial"])
                outcome = "stopped" if was_running else "has ended already"
                self._say(f"trial {request['trial']} {outcome}")
            case "add":
                self._say(f"added point {controller.add_point(request['values'])}")

    def _remove_checkpoints(self) -> None:
        """Remove what trials that have ended since the last time need not keep."""
        endings = len(self._controller.history.trial_endings)
        if endings != self._endings_seen:
            self._endings_seen = endings
            self._retention.remove_unneeded(self._controller.history)

    def _refresh_tables(self) -> None:
        """Write the tables; they are derived, so a storage that refuses them costs nothing."""
        from study.results.parquet import write_tables

        try:
            write_tables(self._paths, history=self._controller.history)
        except OSError as error:
            self._say(
                f"the tables in {self._paths.results} can't be written now"
                f" ({error.strerror or error})"
            )
