"""Loading studies: ``load("googlenet-norm-lr").trials`` is a pandas frame, whatever state the study is in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from analysis.collect import read_tables
from analysis.tabulate import Tables, tabulate
from study.errors import StudyNotFound, UserError
from study.journal import read_events
from study.log import log_at
from study.paths import StudyPaths
from study.places import Place, place
from study.records import History
from study.spec import StudySpec, load_spec

if TYPE_CHECKING:
    from analysis.table import Table

STORAGE = "studies"
DTYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
"""Nullable where numpy has no null, so that a column of counts stays one of counts."""

Source = str | Place | StudyPaths


class Study:
    """One study's folder, read where and when it is needed."""

    def __init__(self, paths: StudyPaths) -> None:
        self.paths = paths
        if not log_at(paths.journal).exists():
            raise StudyNotFound(f"there is no study {paths.name} in {paths.storage}")

    @property
    def name(self) -> str:
        return self.paths.name

    @cached_property
    def spec(self) -> StudySpec:
        return load_spec(self.paths.spec)

    @cached_property
    def history(self) -> History:
        return History(read_events(self.paths.journal))

    @cached_property
    def tables(self) -> Tables:
        """From Parquet where that is as new as the journal, else from the journal."""
        return read_tables(self.paths) or tabulate(self.history, self.spec)


@dataclass(frozen=True)
class Results:
    """The tables of one or several studies as pandas frames; ``study`` tells the studies apart."""

    studies: tuple[Study, ...]

    @cached_property
    def points(self) -> pd.DataFrame:
        return frame(study.tables.points for study in self.studies)

    @cached_property
    def trials(self) -> pd.DataFrame:
        return frame(study.tables.trials for study in self.studies)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        return frame(study.tables.epochs for study in self.studies)

    @property
    def study(self) -> Study:
        """The study, where there is one."""
        if len(self.studies) != 1:
            raise UserError(f"one study is needed here, and {len(self.studies)} are loaded")
        return self.studies[0]

    def only(self, name: str) -> Results:
        """The same of one of the studies."""
        return Results(tuple(study for study in self.studies if study.name == name))

    def table(self, kind: str = "leaderboard") -> Table:
        """One of the tables in ``analysis.tables.KINDS``."""
        from analysis.tables import make

        return make(kind, self)

    def leaderboard(self, top: int | None = 20) -> Table:
        from analysis.leaderboard import leaderboard

        return leaderboard(self, top)

    def best(self) -> dict[str, Any]:
        """The best point as a row of ``points``, confirmed ones first; LookupError where none has a value."""
        from analysis.ranking import best

        found = best(self)
        if found is None:
            raise LookupError("no point is complete")
        return found

    def at_epoch(self, *epochs: int) -> pd.DataFrame:
        """The epoch rows at these epochs, with their trials' columns beside them; trials that got there alone."""
        rows = self.epochs[self.epochs["epoch"].isin(epochs)]
        keys = ["study", "trial", "point", "replicate"]
        own = [name for name in self.trials.columns if name in keys or name not in rows.columns]
        return rows.merge(self.trials[own], on=keys, suffixes=("", "_trial"))

    def time_to(self, metric: str, value: float) -> pd.DataFrame:
        """The trials with ``reached``, ``epochs_to`` and ``seconds_to``, up to their end where it was not reached, and
        ``bound`` where it might have been had they gone on.
        """
        from analysis.time_to_target import time_to

        return time_to(self, metric, value)

    def pareto(self, first: str, second: str) -> pd.DataFrame:
        """The points that no other one beats in both columns, in the first one's order."""
        from analysis.pareto import front

        return front(self, first, second)

    def effects(self, *factors: str) -> Table:
        from analysis.effects import effects

        return effects(self, factors)

    def compare(self, other: Results) -> Table:
        from analysis.comparison import compare

        return compare(self, other)

    def _repr_html_(self) -> str:
        from analysis.tables import make

        return make("leaderboard", self).html()

    def __repr__(self) -> str:
        names = ", ".join(study.name for study in self.studies)
        return f"<Results of {names}: {len(self.points)} points, {len(self.trials)} trials, {len(self.epochs)} epochs>"


def load(studies: Source | Iterable[Source], *, storage: str | Place = STORAGE) -> Results:
    """Load studies by folder, StudyPaths or name (looked up in ``storage``); StudyNotFound where one isn't there."""
    sources = [studies] if isinstance(studies, Source) else list(studies)
    return Results(tuple(Study(paths_of(source, place(storage))) for source in sources))


def paths_of(source: Source, storage: Place) -> StudyPaths:
    """The folder that a name or a path means; a path is one that has a separator or a journal below it."""
    if isinstance(source, StudyPaths):
        return source
    if not isinstance(source, str) or "/" in source or (Path(source) / "journal").is_dir():
        folder = place(source)
        return StudyPaths(folder.parent, folder.name)
    return StudyPaths(storage, source)


def frame(tables: Iterable[pa.Table]) -> pd.DataFrame:
    """Arrow tables of one kind as one frame; a column that only some have is null in the others."""
    combined = pa.concat_tables(list(tables), promote_options="default")
    rows: pd.DataFrame = combined.to_pandas(types_mapper=DTYPES.get)
    return rows
