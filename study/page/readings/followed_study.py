"""A study that is followed: what its folder holds, brought up to date by what has been added."""

from __future__ import annotations

import threading
import time
import warnings
from collections import deque
from typing import Any

from study.errors import StudyFileChanged
from study.files.layout import StudyPaths
from study.files.lock import lock_holder
from study.inspection.status import status_by
from study.inspection.time_left import TimeLeft
from study.journal.event_codec import Record
from study.journal.following import FollowedJournal
from study.journal.history import History
from study.journal.spec_versions import recorded_spec
from study.results.summary.making import summary_of
from study.results.summary.summary import Summary
from study.spec.spec import StudySpec

_RECENT = 30
_PLAIN_FOR_S = 60.0
"""For so long a study's folder is taken to hold no links, once it was found to hold none."""
_CATCH = threading.Lock()
"""Warnings are caught by one thread at a time: how they are shown belongs to the process."""


class FollowedStudy:
    """A study under the label of its storage. Whoever looks at it holds its ``lock`` meanwhile."""

    def __init__(self, label: str, paths: StudyPaths) -> None:
        self.label = label
        self.paths = paths
        self.lock = threading.RLock()
        self.driver = ""
        """Who drives it; empty where nobody does."""
        self.notes: list[str] = []
        """What its study file gives cause to say."""
        self.recent: deque[Record] = deque(maxlen=_RECENT)
        """The latest events, the last one at the end."""
        self._journal = FollowedJournal(paths.journal)
        self._time_left = TimeLeft()
        self._spec: StudySpec | None = None
        self._spec_of: tuple[int, int] = (0, 0)
        self._plain_until = 0.0
        self._look_every_s = 0.0 if paths.folder.has_locks else 4.0
        """On an object store a look costs requests."""
        self._looked_at = float("-inf")

    @property
    def name(self) -> str:
        return self.paths.name

    @property
    def history(self) -> History:
        return self._journal.history

    @property
    def spec(self) -> StudySpec:
        """The spec that the study runs by, as far as it was read."""
        if self._spec is None:
            self._spec = self._read_spec()
        return self._spec

    @property
    def version(self) -> str:
        """What changes whenever something has been recorded, or a driver has come or gone."""
        driven = "d" if self.driver else "u"
        return f"{self._journal.beginnings}.{self._journal.record_count}{driven}"

    @property
    def outcomes(self) -> tuple[int, ...]:
        """What changes whenever something has come out: a trial or a point has ended, say."""
        history = self.history
        closed = sum(session.closed_at is not None for session in history.sessions)
        dropped = sum(point.is_dropped for point in history.points)
        counts = (len(history.specs), len(history.sessions), closed, dropped)
        endings = (len(history.trial_endings), len(history.point_endings))
        return (self._journal.beginnings, *counts, *endings)

    def read_on(self) -> None:
        """Read what was added since the last time.

        Raises StudyError or OSError where the folder can't be read.
        """
        now = time.monotonic()
        if now - self._looked_at < self._look_every_s:
            return
        if now > self._plain_until:
            self.paths.check_plain()
            self._plain_until = time.monotonic() + _PLAIN_FOR_S
        records = self._journal.read_on()
        self.driver = lock_holder(self.paths.lock)
        specs = (self._journal.beginnings, len(self.history.specs))
        if specs != self._spec_of:
            self._spec = self._read_spec()
            self._spec_of = specs
        self._looked_at = time.monotonic()
        self.recent.extend(records)

    def _read_spec(self) -> StudySpec:
        with _CATCH, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", StudyFileChanged)
            spec = recorded_spec(self.paths, self.history)
        self.notes = [str(warning.message) for warning in caught]
        return spec

    def summary(self) -> Summary:
        """Return what the study amounts to."""
        return summary_of(self.history, self.spec)

    def status_by(self, summary: Summary) -> dict[str, Any]:
        """Return the study's status, as ``study status --format json`` has it."""
        return status_by(self.paths, summary, self.history, self.driver)

    def seconds_left(self) -> float | None:
        """Return how long the study will take; None where nobody drives it."""
        if not self.driver:
            return None
        return self._time_left.seconds(self.spec, self.history, time.time())
