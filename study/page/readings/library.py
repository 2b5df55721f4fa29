"""The studies of all storages that are served, as far as they were read.

What was read of a study is kept while there is room for it, so that to look again costs little.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from study.errors import StudyError, StudyNotFound
from study.files.layout import STUDY_NAME, StudyPaths, is_there, names_near, studies_in
from study.files.lock import lock_holder
from study.files.storage import StoragePath
from study.journal.log.log_storage import log_at
from study.page.readings.followed_study import FollowedStudy
from study.page.readings.rows import row_by_summary
from study.results.summary.summary_file import read_summary

_MOST_JOURNAL_BYTES = 64 << 20
"""So many bytes of journals are kept as histories, those of the studies looked at last. In memory
they take eight times as much.
"""
_READERS = 4
_SUFFIX = ".json"
"""A study whose name ends so would have the address of another one's data."""

Row = dict[str, Any]
"""What the list of studies says of one of them."""

_UNKNOWN: Row = {
    "driver": "",
    "running": [],
    **dict.fromkeys(("points", "of", "added", "states", "objective", "updated", "failures")),
    **dict.fromkeys(("best", "best_low", "best_high", "trial_seconds", "seconds_left")),
}
"""What isn't known of a study that could not be read, or not yet."""


@dataclass
class Overview:
    """All studies as they are known now."""

    rows: list[Row] = field(default_factory=list)
    unread: int = 0
    """How many of them are still being read for the first time."""
    faults: dict[str, str] = field(default_factory=dict)
    """Why a storage can't be read, by its label."""


class Library:
    """Finds studies by the labels of their storages and their names."""

    def __init__(
        self, storages: Mapping[str, StoragePath], row_of: Callable[[FollowedStudy], Row]
    ) -> None:
        self.storages = storages
        self._row_of = row_of
        self._lock = threading.Lock()
        self._followed: OrderedDict[tuple[str, str], FollowedStudy] = OrderedDict()
        self._rows: dict[tuple[str, str], tuple[str, int, Row]] = {}
        """What was said last of each study, with its version and its journal's bytes then."""
        self._reading: dict[tuple[str, str], Future[Row]] = {}
        self._pool = ThreadPoolExecutor(_READERS, thread_name_prefix="library")

    def close(self) -> None:
        """Read nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def study(self, label: str, name: str) -> FollowedStudy:
        """Return a study that is there; StudyNotFound where none is."""
        storage = self.storages.get(label)
        if storage is None:
            labels = ", ".join(self.storages)
            raise StudyNotFound(f"no storage {label!r:.80} is served here; there are: {labels}")
        if not STUDY_NAME.match(name) or name.endswith(_SUFFIX):
            raise StudyNotFound(f"no study {name!r:.80} in {label}")
        with self._lock:
            followed = self._followed.get((label, name))
        if followed is None:
            paths = StudyPaths(storage, name)
            if not is_there(paths):
                raise StudyNotFound(f"no study {name} in {label}{names_near(name, storage)}")
            followed = FollowedStudy(label, paths)
        return self._kept(followed)

    def _kept(self, followed: FollowedStudy) -> FollowedStudy:
        """Keep a study among those looked at last, and forget the ones for which there is no
        room.
        """
        with self._lock:
            key = (followed.label, followed.name)
            followed = self._followed.setdefault(key, followed)
            self._followed.move_to_end(key)
            room = _MOST_JOURNAL_BYTES
            for other in reversed(list(self._followed)):
                room -= self._followed[other].history.journal_bytes
                if room < 0 and other != key:
                    del self._followed[other]
        return followed

    # --- all studies ---

    def overview(self, patience_s: float) -> Overview:
        """Return what is known of all studies. Those that were never read are waited for as long
        as ``patience_s``, and go on being read then.
        """
        found = Overview()
        deadline = time.monotonic() + patience_s
        listed = self._listed(found)
        self._forget_all_but(listed)
        pending = {key: self._row(paths, key[0]) for key, paths in listed.items()}
        waited = [row for row in pending.values() if isinstance(row, Future)]
        wait(waited, timeout=max(0.0, deadline - time.monotonic()))
        for key, row in pending.items():
            if not isinstance(row, Future):
                found.rows.append(row)
            elif row.done():
                found.rows.append(row.result())
            else:
                found.unread += 1
                found.rows.append(_unknown_row(key[0], key[1], "being read"))
        return found

    def listed(self) -> list[tuple[str, StudyPaths]]:
        """List all studies, each with its label."""
        return [(label, paths) for (label, _), paths in self._listed(Overview()).items()]

    def _forget_all_but(self, listed: Mapping[tuple[str, str], StudyPaths]) -> None:
        """Forget what was said of studies that are gone."""
        with self._lock:
            for key in [key for key in self._rows if key not in listed]:
                del self._rows[key]

    def _listed(self, overview: Overview) -> dict[tuple[str, str], StudyPaths]:
        """List the studies of all storages; what can't be listed is a fault of the overview."""
        listed: dict[tuple[str, str], StudyPaths] = {}
        for label, storage in self.storages.items():
            try:
                studies = studies_in(storage)
            except OSError as error:
                overview.faults[label] = f"{storage} can't be read: {error.strerror or error}"
                continue
            for paths in studies:
                if not paths.name.endswith(_SUFFIX):
                    listed[(label, paths.name)] = paths
        return listed

    def _row(self, paths: StudyPaths, label: str) -> Row | Future[Row]:
        """Return what is said of a study: at once where it was read before and hasn't changed."""
        key = (label, paths.name)
        with self._lock:
            followed = self._followed.get(key)
            said = self._rows.get(key)
            reading = self._reading.get(key)
        if reading is not None:
            return reading
        if said is not None and self._is_unchanged(paths, followed, said):
            return said[2]
        with self._lock:
            found = self._reading[key] = self._pool.submit(self._read_row, label, paths)
        return found

    def _is_unchanged(
        self, paths: StudyPaths, followed: FollowedStudy | None, said: tuple[str, int, Row]
    ) -> bool:
        version, size_bytes, row = said
        if followed is None:
            if row["driver"]:
                return False
            with suppress(OSError):
                return log_at(paths.journal).size() == size_bytes
            return False
        with suppress(StudyError, OSError), followed.lock:
            followed.read_on()
            return followed.version == version
        return False

    def _row_by_summary(self, label: str, paths: StudyPaths) -> Row | None:
        """Return what a study's last driver left to be said; None where that doesn't hold now."""
        paths.check_plain()
        stored = None if lock_holder(paths.lock) else read_summary(paths)
        if stored is None:
            return None
        row = row_by_summary(label, paths, stored.summary)
        with self._lock:
            self._rows[(label, paths.name)] = ("", stored.journal_bytes, row)
        return row

    def _read_row(self, label: str, paths: StudyPaths) -> Row:
        """Read a study, and say of it what the list has; of one that can't be read, its fault."""
        key = (label, paths.name)
        try:
            row = None if key in self._followed else self._row_by_summary(label, paths)
            if row is not None:
                return row
            followed = self._kept(self._followed.get(key) or FollowedStudy(label, paths))
            with followed.lock:
                followed.read_on()
                row = self._row_of(followed)
                said = (followed.version, followed.history.journal_bytes, row)
            with self._lock:
                self._rows[key] = said
            self._kept(followed)
            return row
        except (StudyError, OSError) as error:
            state = f"damaged: {str(error).splitlines()[0]}"
            return _unknown_row(label, paths.name, state)
        finally:
            with self._lock:
                self._reading.pop(key, None)


def _unknown_row(label: str, name: str, state: str) -> Row:
    return {"label": label, "study": name, "state": state, **_UNKNOWN}
