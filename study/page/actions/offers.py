"""What can be done with a study as it is now: by its state, and as far as its storage lets us."""

from __future__ import annotations

import os
from dataclasses import dataclass

from study.execution.driver import failed_trials
from study.inspection.status import share_of, status_from
from study.page.readings.followed_study import FollowedStudy
from study.page.readings.library import Library


@dataclass(frozen=True)
class Offer:
    """Something that can be done, and how it is called."""

    action: str
    title: str


_STOP = Offer("stop", "Stop")
_EXTEND = Offer("extend", "Extend")
_RESUME = Offer("resume", "Resume")
_RETRY = Offer("retry", "Retry")
_ADD = Offer("add", "Add a point")
_DROP = Offer("drop", "Drop a point")
_SHARE = Offer("share", "Change its share")
_STOP_TRIAL = Offer("stop-trial", "Stop this trial")


class Offers:
    """Says what a page offers, from what was read of its study."""

    def __init__(self, library: Library, can_start: bool) -> None:
        self._library = library
        self._can_start = can_start

    def of_study(self, label: str, name: str) -> list[Offer]:
        """Return what can be done with a study."""
        study = self._library.study(label, name)
        if not _is_writable(study):
            return []
        offers = [_STOP, _EXTEND] if study.driver else self._beginnings(study)
        offers.append(_ADD)
        if any(not point.is_dropped for point in list(study.history.points)):
            offers.append(_DROP)
        if study.driver and share_of(study.paths):
            offers.append(_SHARE)
        return offers

    def _beginnings(self, study: FollowedStudy) -> list[Offer]:
        """Return what starts a driver, as far as this server starts any."""
        if not self._can_start:
            return []
        goes_on = status_from(study.paths, study.history, study.spec, "")["resume"]
        offers = [_RESUME, _EXTEND] if goes_on else [_EXTEND]
        if failed_trials(study.history, None):
            offers.append(_RETRY)
        return offers

    def of_trial(self, label: str, name: str, trial: int) -> list[Offer]:
        """Return what can be done with a trial of a study."""
        study = self._library.study(label, name)
        if not _is_writable(study) or study.history.trials[trial].has_ended:
            return []
        return [_STOP_TRIAL]


def _is_writable(study: FollowedStudy) -> bool:
    """Whether this process may change a study; of an object store only the attempt would tell."""
    folder = study.paths.journal.parent.local_path()
    return folder is None or os.access(folder, os.W_OK)
