"""What a driver knows of the moment and its journal does not: above all how far epochs are.

It is shown, and left as a small file in the study's folder, so that others can show it as well.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from search_spaces.values import is_finite_number
from study.files.layout import StudyPaths
from study.training.runtime.progress import ProgressMark

_LARGEST_BYTES = 1_000_000


@dataclass(frozen=True)
class ShareSeen:
    """A study's share of a cluster, as it is shown."""

    share: float
    holds: int
    """How many trials run."""
    wants: int
    """How many could run at once."""
    part: int | None
    """How many trials it may hold; None where it is alone on the cluster."""
    waits_since: float | None
    """Since when it has waited for room, in seconds since 1970; None where it doesn't."""

    @classmethod
    def of_tree(cls, tree: Any) -> ShareSeen | None:
        """Return the one with these fields; None where they are none of a share's."""
        if not isinstance(tree, dict) or tree.keys() != asdict(cls(0, 0, 0, 0, 0)).keys():
            return None
        is_sound = all(value is None or is_finite_number(value) for value in tree.values())
        has_all = all(tree[name] is not None for name in ("share", "holds", "wants"))
        return cls(**tree) if is_sound and has_all else None


class LiveProgress:
    """What is waited for, and how far each running trial is within its epoch."""

    def __init__(self) -> None:
        self.waiting_for = ""
        """What the study as a whole waits for: ``Ray to start``; empty while trials run."""
        self.share: ShareSeen | None = None
        """The study's share of a cluster; None where it has a Ray of its own."""
        self._marks: dict[int, ProgressMark] = {}
        self._paused: dict[int, ProgressMark] = {}
        """Trials that wait for something, each with how far it was when it began to."""

    def note(self, trial: int, mark: ProgressMark) -> None:
        """Note how far a trial is."""
        paused = self._paused.get(trial)
        if paused and (paused.epoch, paused.step) == (mark.epoch, mark.step):
            mark = replace(mark, stage=paused.stage)
        else:
            self._paused.pop(trial, None)
        self._marks[trial] = mark

    def pause(self, trial: int, why: str) -> None:
        """Note that a trial waits, until it has come further."""
        self._paused[trial] = replace(self.mark_of(trial), stage=why)

    def forget(self, trial: int) -> None:
        """Forget a trial that runs no more."""
        self._marks.pop(trial, None)
        self._paused.pop(trial, None)

    def mark_of(self, trial: int) -> ProgressMark:
        """Return how far a trial was when it was heard last."""
        return self._marks.get(trial, ProgressMark())

    def tree(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        marks = {str(trial): dict(vars(mark)) for trial, mark in self._marks.items()}
        share = asdict(self.share) if self.share else None
        return {"waiting_for": self.waiting_for, "share": share, "trials": marks}

    @classmethod
    def of_tree(cls, tree: Any) -> LiveProgress:
        """Return what ``tree`` gave; what isn't of its form is left out."""
        live = cls()
        if not isinstance(tree, dict):
            return live
        live.waiting_for = str(tree.get("waiting_for", ""))
        live.share = ShareSeen.of_tree(tree.get("share"))
        marks = tree.get("trials")
        for trial, fields in marks.items() if isinstance(marks, dict) else ():
            mark = _mark_of(fields)
            if mark and str(trial).isdecimal():
                live.note(int(trial), mark)
        return live


def _mark_of(fields: Any) -> ProgressMark | None:
    """Return the mark with these fields; None where they are none of a mark's."""
    if not isinstance(fields, dict) or not fields.keys() <= asdict(ProgressMark()).keys():
        return None
    for name, value in fields.items():
        if isinstance(value, str) != (name == "stage") or not isinstance(value, str | int | float):
            return None
    return ProgressMark(**fields)


class LiveFile:
    """Writes what a driver knows of the moment into the study's folder, and removes it."""

    def __init__(self, paths: StudyPaths, live: LiveProgress) -> None:
        self._path = paths.live
        self._live = live
        self._every_s = 2.0 if paths.folder.has_locks else 10.0
        """How often it is written at most: on an object store each time costs a request."""
        self._written_at = float("-inf")
        self._content = ""

    def refresh(self) -> None:
        """Write the file where that is due and it has changed; a storage that refuses is left."""
        if time.monotonic() - self._written_at < self._every_s:
            return
        self._written_at = time.monotonic()
        content = json.dumps(self._live.tree())
        if content != self._content:
            try:
                self._path.write_whole(content)
                self._content = content
            except OSError:
                self._content = ""

    def remove(self) -> None:
        """Remove the file, at the end of a driver."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def read_live(paths: StudyPaths) -> LiveProgress:
    """Read what a study's driver has left of the moment; nothing where there is none."""
    try:
        content = paths.live.read_bytes()[:_LARGEST_BYTES]
        return LiveProgress.of_tree(json.loads(content))
    except (OSError, ValueError, RecursionError):
        return LiveProgress()
