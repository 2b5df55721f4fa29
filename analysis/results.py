"""Loading studies: ``load("googlenet-norm-lr").trials`` is a pandas frame, whatever state the study
is in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis.frames import STORAGE, Frames, Source, Study, paths_of
from study.files.storage import StorageLike
from study.files.storage_uri import storage_path

if TYPE_CHECKING:
    from analysis.rendering import Table


class Results(Frames):
    """The tables of one or several studies as pandas frames, and the answers in them."""

    def table(self, kind: str = "leaderboard") -> Table:
        """One of the tables in ``analysis.tables.kinds.KINDS``."""
        from analysis.tables.kinds import make_kind

        return make_kind(kind, self)

    def leaderboard(self, top: int | None = 20) -> Table:
        from analysis.tables.points.leaderboard import leaderboard_table

        return leaderboard_table(self, top)

    def best(self) -> dict[str, Any]:
        """The best point as a row of ``points``, confirmed ones first; LookupError where none has a
        value.
        """
        from analysis.selection.ranking import best_row

        found = best_row(self)
        if found is None:
            raise LookupError("no point is complete")
        return found

    def time_to(self, metric: str, value: float) -> pd.DataFrame:
        """The trials with ``reached``, ``epochs_to`` and ``seconds_to``, up to their end where it
        was not reached, and ``bound`` where it might have been had they gone on.
        """
        from analysis.tables.effort.time_to_target import time_to

        return time_to(self, metric, value)

    def pareto(self, first: str, second: str) -> pd.DataFrame:
        """The points that no other one beats in both columns, in the first one's order."""
        from analysis.selection.pareto_front import pareto_front

        return pareto_front(self, first, second)

    def effects(self, *factors: str) -> Table:
        from analysis.tables.settings.effects import effects_table

        return effects_table(self, factors)

    def compare(self, other: Results) -> Table:
        from analysis.tables.comparison import comparison_table

        return comparison_table(self, other)

    def _repr_html_(self) -> str:
        from analysis.tables.kinds import make_kind

        return make_kind("leaderboard", self).html()


def load(studies: Source | Iterable[Source], *, storage: StorageLike = STORAGE) -> Results:
    """Load studies by folder, StudyPaths or name (looked up in ``storage``); StudyNotFound where
    one isn't there.
    """
    sources = [studies] if isinstance(studies, Source) else list(studies)
    return Results(tuple(Study(paths_of(source, storage_path(storage))) for source in sources))
