"""Studies as pandas frames, whatever state they are in: what every table, plot and report is made
from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import pandas as pd
import pyarrow as pa

from study.errors import StudyNotFound, UserError
from study.files.layout import StudyPaths
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import storage_path
from study.journal.history import History
from study.journal.journal import read_events
from study.journal.log_storage import log_at
from study.results.parquet import read_tables
from study.results.tabulate import Tables, tabulate
from study.spec.load import load_spec
from study.spec.spec import StudySpec

STORAGE = "studies"
_DTYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
"""Nullable where numpy has no null, so that a column of counts stays one of counts."""

Source = StorageLike | StudyPaths


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
class Frames:
    """The tables of one or several studies as pandas frames; ``study`` tells the studies apart."""

    studies: tuple[Study, ...]

    @cached_property
    def points(self) -> pd.DataFrame:
        return _frame(study.tables.points for study in self.studies)

    @cached_property
    def trials(self) -> pd.DataFrame:
        return _frame(study.tables.trials for study in self.studies)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        return _frame(study.tables.epochs for study in self.studies)

    @property
    def study(self) -> Study:
        """The study, where there is one."""
        if len(self.studies) != 1:
            raise UserError(f"one study is needed here, and {len(self.studies)} are loaded")
        return self.studies[0]

    def only(self, name: str) -> Self:
        """The same of one of the studies."""
        return type(self)(tuple(study for study in self.studies if study.name == name))

    def at_epoch(self, *epochs: int) -> pd.DataFrame:
        """The epoch rows at these epochs, with their trials' columns beside them; trials that got
        there alone.
        """
        rows = self.epochs[self.epochs["epoch"].isin(epochs)]
        keys = ["study", "trial", "point", "replicate"]
        own = [name for name in self.trials.columns if name in keys or name not in rows.columns]
        return rows.merge(self.trials[own], on=keys, suffixes=("", "_trial"))

    def __repr__(self) -> str:
        names = ", ".join(study.name for study in self.studies)
        counts = f"{len(self.points)} points, {len(self.trials)} trials, {len(self.epochs)} epochs"
        return f"<{type(self).__name__} of {names}: {counts}>"


def paths_of(source: Source, storage: StoragePath) -> StudyPaths:
    """The folder that a name or a path means; a path is one that has a separator or a journal below
    it.
    """
    if isinstance(source, StudyPaths):
        return source
    if not isinstance(source, str) or "/" in source or (Path(source) / "journal").is_dir():
        folder = storage_path(source)
        return StudyPaths(folder.parent, folder.name)
    return StudyPaths(storage, source)


def _frame(tables: Iterable[pa.Table]) -> pd.DataFrame:
    """Arrow tables of one kind as one frame; a column that only some have is null in the others."""
    combined = pa.concat_tables(list(tables), promote_options="default")
    rows: pd.DataFrame = combined.to_pandas(types_mapper=_DTYPES.get)
    return rows
