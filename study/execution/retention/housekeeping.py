"""What a driver does between results: answers requests, removes checkpoints, keeps tables fresh."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from study.controller.controller import Controller
from study.errors import SpecUnreadable, UserError
from study.execution.retention.checkpoint_retention import CheckpointRetention
from study.files import requests
from study.files.layout import StudyPaths
from study.files.requests import Request
from study.journal.extension import check_extension
from study.journal.journal import check_no_newer
from study.journal.spec_versions import adoption, extended
from study.spec.load import study_file_text
from study.spec.spec import StudySpec

COLLECT_EVERY_S = 30.0
"""How often the tables of a running study are written anew, at most."""
_COLLECT_PAUSE = 10
"""How many times as long as writing took the next time is put off: it grows with the study."""
_REMOVE_WITHIN_S = 2.0
"""How long the removal of checkpoints from a store may wait for a moment in which no trial has just
ended, and how long a store that didn't say whose the study is is left alone.
"""


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
        self._bytes_collected = -1
        """How long the journal was from which the tables were written last."""
        self._endings_seen = 0
        self._endings_cleaned_up = -1
        self._removals_wait_since = time.monotonic()
        self._is_unsure = False
        """Whether the store didn't say, at the last removal, whose the study is."""
        self._stops: list[Request] = []
        """Requests to stop that are being followed."""

    def tick(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        if now - self._requests_read > requests.EVERY_S:
            self._requests_read = now
            self._check_held()
            self._controller.is_stopping()  # budgets run out while all workers are busy, too
            self.answer_requests()
        self._remove_checkpoints(now)
        if now - self._collected > COLLECT_EVERY_S:
            self._refresh_tables()
            spent_s = time.monotonic() - now
            self._collected = time.monotonic() + _COLLECT_PAUSE * spent_s

    def close(self) -> None:
        """Do the last round, once no trial runs any more."""
        with suppress(OSError):
            self._retention.remove_everything_unneeded(self._controller.history)

    def answer_requests(self) -> None:
        """Carry out what is asked for, oldest first.

        A request is removed once what it asks for is on record: a driver that ends before that, or
        whose study another one has taken over, leaves it to the next.
        """
        with suppress(OSError):  # what can't be read now can be later
            for request in requests.waiting(self._paths):
                if self._carry_out(request):
                    self._check_drives()  # what was refused has left no record to fail on
                    requests.discard([request])

    def _check_drives(self) -> None:
        """Raise Superseded where the study is no longer this driver's: by its lock, and where there
        are no locks by what another driver has recorded.
        """
        self._check_held()
        if not self._paths.journal.has_locks:
            history = self._controller.history
            check_no_newer(self._paths.journal, history.journal_bytes, history.record_count)

    def forget_stops(self) -> None:
        """Remove the requests to stop that were followed, once the study's end is on record."""
        with suppress(OSError):
            requests.discard(self._stops)
        self._stops = []

    def _carry_out(self, request: Request) -> bool:
        """Do what a request asks for, or refuse it; return whether it is done with."""
        if request.fault:
            self._say(f"a request that makes no sense is ignored: {request.fault}")
            return True
        if request.do == "stop":
            self._stop(request)
            return False
        if request.path.name in self._controller.history.answered_requests:
            return True  # a driver that was killed had done it, and not come to remove it
        try:
            self._say(self._change_study(request))
        except SpecUnreadable:
            return False  # the storage doesn't give the study file now: later it may
        except UserError as error:
            self._say(f"a request is refused: {error}")
        return True

    def _stop(self, request: Request) -> None:
        if request not in self._stops:
            self._stops.append(request)
            self._say("asked to stop")
        self._controller.stopping = self._controller.stopping or "interrupted"

    def _change_study(self, request: Request) -> str:
        """Stop a trial, add a point or drop one, or extend the study; return what was done."""
        if request.do == "extend":
            return self._extend(request)
        if request.do == "share":
            return self._set_share(request.weight)
        if request.do == "stop_trial":
            count = len(self._controller.history.trials)
            if not 0 <= request.trial < count:
                raise UserError(f"there is no trial {request.trial}; the study has {count}, from 0")
            was_running = self._controller.stop_trial(request.trial)
            return f"trial {request.trial} {'stopped' if was_running else 'has ended already'}"
        if request.do == "drop":
            self._controller.drop_point(request.point, request.path.name)
            return f"dropped point {request.point}"
        return f"added point {self._controller.add_point(request.values, request.path.name)}"

    def _extend(self, request: Request) -> str:
        """Have the study ask for more points or seeds from now on; return what has changed.

        One that a storage gave late takes nothing back of what a later one has given.
        """
        old = self._controller.spec
        new = extended(self._paths, self._controller.history, request.counts)
        check_extension(old, new, self._controller.history)
        most = max(old.points, new.points)
        new = replace(new, points=most, concurrency=old.concurrency)
        changes = self._adopt(new)
        if not changes:
            return "the study has these points and seeds already"
        return f"extended: {', '.join(changes)}"

    def _set_share(self, weight: float) -> str:
        """Have the study take another part of its cluster from now on; return what has changed."""
        changes = self._adopt(replace(self._controller.spec, share=weight))
        return ", ".join(changes) or f"the study's share is {weight:g} already"

    def _adopt(self, new: StudySpec) -> list[str]:
        """Have the study go by another version of its spec; return what differs in it."""
        controller = self._controller
        old = controller.spec
        changes = old.differences(new)
        if changes:
            controller.adopt(new, adoption(self._paths, controller.history, old, new))
            self._retention.adopt(new)
            self._paths.spec.write_whole(study_file_text(new))
        return changes

    def _remove_checkpoints(self, now: float) -> None:
        """Remove what trials that have ended since the last time need not keep.

        On an object store, where that takes requests, not when one has just ended, whose worker
        waits for its next trial; and not where another driver has taken the study over since.
        """
        history = self._controller.history
        endings = len(history.trial_endings)
        has_one_just_ended = endings != self._endings_seen
        self._endings_seen = endings
        if endings == self._endings_cleaned_up:
            self._removals_wait_since = now
            return
        if self._paths.journal.has_locks or self._may_remove_from_store(now, has_one_just_ended):
            self._retention.remove_unneeded(history)
            self._endings_cleaned_up = endings

    def _may_remove_from_store(self, now: float, has_one_just_ended: bool) -> bool:
        """Whether checkpoints are to be removed from a store now. Raises Superseded."""
        has_waited_s = now - self._removals_wait_since
        if (has_one_just_ended or self._is_unsure) and has_waited_s < _REMOVE_WITHIN_S:
            return False
        self._removals_wait_since, self._is_unsure = now, True
        try:
            self._check_drives()
        except OSError:  # can't be read now: later it may
            return False
        self._is_unsure = False
        return True

    def _refresh_tables(self) -> None:
        """Write the tables where anything was recorded since the last time; they are derived, so a
        storage that refuses them costs nothing.
        """
        from study.results.parquet import write_tables

        history = self._controller.history
        if history.journal_bytes == self._bytes_collected:
            return
        try:
            write_tables(self._paths, history=history)
            self._bytes_collected = history.journal_bytes
        except OSError as error:
            self._say(
                f"the tables in {self._paths.results} can't be written now"
                f" ({error.strerror or error})"
            )
