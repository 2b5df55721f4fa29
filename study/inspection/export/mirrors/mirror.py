"""Mirrors a study: once, or as long as somebody drives it."""

from __future__ import annotations

import time
from collections.abc import Callable

from study.errors import UserError
from study.files.layout import StudyPaths
from study.files.lock import lock_holder
from study.inspection.export.mirrors.story import MirroredPoint, story_of
from study.inspection.export.mirrors.target import Target
from study.journal.event_codec import Record
from study.journal.following import FollowedJournal
from study.journal.spec_versions import recorded_spec

_LOOK_S = 2.0


class Mirror:
    """A study and its mirror."""

    def __init__(self, paths: StudyPaths, target: Target) -> None:
        self._paths = paths
        self._target = target
        self._journal = FollowedJournal(paths.journal)
        self._first: Record | None = None
        self._is_begun = False
        self._points: dict[int, MirroredPoint] = {}
        """Each point as it was mirrored last."""

    def bring_up_to_date(self) -> str:
        """Mirror what is new; return where to look, empty where nothing is new.

        Raises UserError where the study has no record yet, or another one is in its place.
        """
        records = self._journal.read_on()
        if self._first is None and records:
            self._first = records[0]
        if self._first is None:
            raise UserError(f"nothing of {self._paths.name} is on record yet")
        if not records:
            return ""
        history = self._journal.history
        spec = recorded_spec(self._paths, history)
        story = story_of(self._paths, history, spec, self._first)
        where = self._target.begin(story)
        for point in story.points:
            if self._points.get(point.number) == point:
                continue
            self._target.put_point(point)
            for trial in point.trials:
                if not self._target.is_done(trial):
                    self._target.put_trial(trial)
            self._points[point.number] = point
        return where

    def follow(self, say: Callable[[str], None]) -> str:
        """Mirror as long as somebody drives the study, and then its end; return where to look."""
        where = ""
        while True:
            is_driven = bool(lock_holder(self._paths.lock))
            found = self.bring_up_to_date()
            if found and not where:
                say(f"mirroring {self._paths.name} to {found}")
            where = found or where
            if not is_driven:
                return where
            time.sleep(_LOOK_S)
