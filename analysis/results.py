"""Loading studies: ``load("googlenet-norm-lr").trials`` is a pandas frame.

A study can be loaded in whatever state it is: running, interrupted, or complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analysis.frames import STORAGE, Frames, Source, Study, paths_of
from study.files.storage import StorageLike
from study.files.storage_uri import storage_path

if TYPE_CHECKING:
    import pandas as pd

    from analysis.best import BestPoint
    from analysis.rendering import Table


class Results(Frames):
    """The tables of one or several studies as pandas frames, and the answers in them."""

    def table(self, kind: str = "leaderboard") -> Table:
        """Return one of the tables in ``analysis.tables.kinds.KINDS``."""
        from analysis.tables.kinds import make_kind

        return make_kind(kind, self)

    def leaderboard(self, top: int | None = 20) -> Table:
        """Return the best ``top`` points by their value, or all of them."""
        from analysis.tables.points.leaderboard import leaderboard_table

        return leaderboard_table(self, top)

    def view(self, table: str = "points") -> pd.DataFrame:
        """Return what one looks at of ``points``, ``trials`` or ``epochs``.

        Of the columns these are the numbers, what came out, and the settings that the studies vary.
        """
        from analysis.views import view_of

        return view_of(self, table)

    def best(self) -> BestPoint:
        """Return the best point; LookupError where none has a value.

        Points that were confirmed on fresh seeds rank first.
        """
        from analysis.best import best_point_of

        found = best_point_of(self)
        if found is None:
            raise LookupError("no point is complete")
        return found

    def time_to(self, metric: str, value: float) -> pd.DataFrame:
        """Return the trials with ``reached``, ``epochs_to``, ``seconds_to`` and ``bound``.

        The times go up to a trial's end where the metric's value was not reached; ``bound`` where
        it might have been had the trial gone on.
        """
        from analysis.tables.effort.time_to_target import time_to

        return time_to(self, metric, value)

    def pareto(self, first: str, second: str) -> pd.DataFrame:
        """Return the points that no other one beats in both columns, in the first one's order."""
        from analysis.selection.pareto_front import pareto_front

        return pareto_front(self, first, second)

    def effects(self, *factors: str) -> Table:
        """Return what each level of the factors does to the objective; by default of all."""
        from analysis.tables.settings.effects import effects_table

        return effects_table(self, factors)

    def compare(self, other: Results) -> Table:
        """Return this study and another one side by side."""
        from analysis.tables.comparison import comparison_table

        return comparison_table(self, other)

    def _repr_html_(self) -> str:
        return self.leaderboard()._repr_html_()


def load(studies: Source | Iterable[Source], *, storage: StorageLike = STORAGE) -> Results:
    """Load one or several studies; StudyNotFound where one isn't there.

    A study is given by its folder, its StudyPaths, or its name, which is looked up in ``storage``.
    """
    sources = [studies] if isinstance(studies, Source) else list(studies)
    root = storage_path(storage)
    return Results(tuple(Study(paths_of(source, root)) for source in sources))
