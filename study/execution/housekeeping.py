"""What a driver does between results: answers requests, lets checkpoints go, keeps the tables
fresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from study.controller.controller import Controller
from study.execution import requests
from study.execution.checkpoint_retention import Retention
from study.files.layout import StudyPaths

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

COLLECT_EVERY_S = 30.0


class Housekeeping:
    """Called ten times a second; most times it finds nothing to do."""

    def __init__(
        self, spec: StudySpec, controller: Controller, paths: StudyPaths, say: Callable[[str], None]
    ) -> None:
        self._controller = controller
        self._paths = paths
        self._say = say
        self._retention = Retention(spec, paths)
        self._asked = self._collected = time.monotonic()
        self._endings = -1

    def tick(self) -> None:
        now = time.monotonic()
        if now - self._asked > requests.EVERY_S:
            self._asked = now
            self._controller.is_stopping()  # budgets run out while all workers are busy, too
            with suppress(OSError):  # what can't be read now can be later
                for request in requests.take(self._paths):
                    self._do(request)
        endings = len(self._controller.history.trial_endings)
        if endings != self._endings:
            self._endings = endings
            self._retention.sweep(self._controller.history)
        if now - self._collected > COLLECT_EVERY_S:
            self._keep_fresh()
            # what collecting costs grows with the study; its share of the driver's time doesn't
            self._collected = time.monotonic() + 10 * (time.monotonic() - now)

    def _keep_fresh(self) -> None:
        """Bring the tables up to date; they are derived, so a storage that refuses them costs
        nothing.
        """
        from study.results.parquet import collect

        try:
            collect(self._paths, history=self._controller.history)
        except OSError as error:
            self._say(
                f"the tables in {self._paths.results} can't be written now"
                f" ({error.strerror or error})"
            )

    def close(self) -> None:
        """The last round."""
        with suppress(OSError):
            self._retention.sweep_again(self._controller.history)

    def _do(self, request: dict[str, Any]) -> None:
        controller = self._controller
        if request["do"] == "stop":
            self._say("asked to stop")
            controller.stopping = controller.stopping or "interrupted"
        elif request["do"] == "stop_trial":
            done = controller.stop_trial(request["trial"])
            self._say(f"trial {request['trial']} {'stopped' if done else 'has ended already'}")
        elif request["do"] == "add":
            self._say(f"added point {controller.add_point(request['values'])}")
