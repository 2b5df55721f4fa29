"""What a report says of studies, made beside the requests that show it, and kept.

To make it takes from a tenth of a second to many seconds, by the study's size.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from analysis.frames import Study
from analysis.report.chapter import Chapter, chapter_of
from analysis.report.sections import ReportSection, plots_section
from analysis.results import Results
from analysis.tables.kinds import KINDS
from study.errors import StudyError
from study.page.readings.decisions import latest_decisions
from study.page.readings.followed_study import FollowedStudy

_LOG = logging.getLogger("study.page")
_PROGRAMS_S = 60.0
"""Whoever has so much patience wants what holds now."""
_MOST_MAKING = 0.1
"""At most this share of a core goes into making a study's chapter anew."""
_LONGEST_PAUSE_S = 60.0
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)

T = TypeVar("T")


@dataclass
class Made(Generic[T]):
    """What was made last of a study, and of which outcomes."""

    content: T | None = None
    outcomes: tuple[int, ...] = ()
    fault: str = ""
    """Why it couldn't be made of these; empty where it could."""
    due: float = 0.0
    """From when on it may be made anew."""
    making: Future[None] | None = None


class Kept(Generic[T]):
    """Makes something of studies, each time that something has come out of them."""

    def __init__(self, pool: ThreadPoolExecutor, make: Callable[[FollowedStudy], T]) -> None:
        self._pool = pool
        self._make = make
        self._lock = threading.Lock()
        self._made: WeakKeyDictionary[FollowedStudy, Made[T]] = WeakKeyDictionary()

    def of(self, study: FollowedStudy, patience_s: float) -> Made[T]:
        """Return what was made of a study. What is being made is waited for as long as
        ``patience_s``; then it is what was made before.
        """
        with self._lock:
            made = self._made.setdefault(study, Made())
            is_current = made.outcomes == study.outcomes
            is_due = time.monotonic() >= made.due or patience_s >= _PROGRAMS_S
            if made.making is None and is_due and not is_current:
                made.making = self._pool.submit(self._make_anew, study, made)
            making = made.making
        if making is not None and patience_s > 0:
            wait([making], timeout=patience_s)
        return made

    def _make_anew(self, study: FollowedStudy, made: Made[T]) -> None:
        began = time.thread_time()
        outcomes = study.outcomes
        try:
            made.content, made.fault = self._make(study), ""
        except (StudyError, OSError) as error:
            made.fault = str(error)
        except Exception:
            _LOG.exception("what came out of %s can't be shown", study.name)
            made.fault = "what came out can't be shown; the server's log says why"
        finally:
            pause_s = min((time.thread_time() - began) / _MOST_MAKING, _LONGEST_PAUSE_S)
            with self._lock:
                made.outcomes = outcomes
                made.due = time.monotonic() + pause_s
                made.making = None


class Chapters:
    """The chapters of studies and their plots."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="chapters")
        self._pool.submit(_load)
        self.chapters = Kept(self._pool, _chapter)
        self.plots = Kept(self._pool, _plots)

    def close(self) -> None:
        """Make nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _results_of(study: FollowedStudy) -> Results:
    """Return a study's tables as they are now."""
    with study.lock:
        found = Study(study.paths, spec=study.spec, history=study.history)
        _ = found.all_tables  # while nothing is added to the history
    return Results((found,))


def _chapter(study: FollowedStudy) -> Chapter:
    return chapter_of(
        _results_of(study), account_of=lambda _: latest_decisions(study), has_plots=False
    )


def _plots(study: FollowedStudy) -> ReportSection:
    """Draw a study's plots, whose style stands in the page's style sheet."""
    section = plots_section(_results_of(study)) or ReportSection("plots", "Plots")
    plots = tuple(replace(plot, svg=_STYLE.sub("", plot.svg)) for plot in section.plots)
    return replace(section, plots=plots)


def _load() -> None:
    """Load what chapters are made with, which takes a second or two, before it is needed."""
    for module in ("scipy.stats", *(kind.partition(":")[0] for kind in KINDS.values())):
        import_module(module)
