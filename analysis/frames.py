"""Studies as pandas frames: what every table, plot and report is made from.

A frame holds what the study's tables hold (``study.results``), with a column ``study`` that tells
several studies apart. Whatever state a study is in, its frames can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import pyarrow as pa

from study.errors import StudyNotFound, UserError
from study.files.layout import StudyPaths, names_near
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import storage_path
from study.journal.history import History
from study.journal.log.log_storage import log_at
from study.journal.replay import read_history
from study.results.parquet import read_points_or_trials, read_tables
from study.results.tabulate import Tables, tabulate

if TYPE_CHECKING:
    import pandas as pd

    from study.spec.spec import StudySpec

STORAGE = "studies"
"""The folder that studies are looked up in by name, below the working directory."""

_MANY_ROWS = 20_000

Source = StorageLike | StudyPaths
"""A study: its name, its folder, or its paths."""


class Study:
    """One study's folder, read where and when it is needed; StudyNotFound without a journal,
    UserError where there are links and the like in it.
    """

    def __init__(
        self,
        paths: StudyPaths,
        *,
        has_dropped: bool = False,
        spec: StudySpec | None = None,
        history: History | None = None,
    ) -> None:
        """``has_dropped`` says whether points that the user dropped are among its tables. ``spec``
        and ``history`` are given where they were read already.
        """
        self.paths = paths
        self.has_dropped = has_dropped
        self._spec = spec
        self._history = history
        paths.check_plain()
        if not log_at(paths.journal).exists():
            if paths.spec.exists():
                raise UserError(
                    f"study {paths.name} has not begun; next: {paths.command('resume')}"
                )
            near = names_near(paths.name, paths.storage)
            raise StudyNotFound(f"there is no study {paths.name} in {paths.storage}{near}")

    @property
    def name(self) -> str:
        """The study's name."""
        return self.paths.name

    @cached_property
    def spec(self) -> StudySpec:
        """The spec that the study runs by."""
        from study.journal.spec_versions import recorded_spec  # which few questions need

        return self._spec or recorded_spec(self.paths, self.history)

    @cached_property
    def history(self) -> History:
        """What the journal's events add up to."""
        return self._history or read_history(self.paths.journal)

    def with_dropped(self) -> Study:
        """Return the study with the points that the user dropped among its tables."""
        whole = copy(self)  # what was read already isn't read again
        whole.has_dropped = True
        vars(whole).pop("tables", None)
        return whole

    @cached_property
    def tables(self) -> Tables:
        """The three tables, as far as they count: without points that the user dropped."""
        return self.all_tables if self.has_dropped else self.all_tables.without_dropped()

    @cached_property
    def all_tables(self) -> Tables:
        """The three tables: from Parquet where that is as new as the journal, else from that.

        They carry the name of the study's folder, which may have been renamed since.
        """
        tables = read_tables(self.paths) or tabulate(self.history, self.spec)
        return Tables(
            _named(tables.points, self.name),
            _named(tables.trials, self.name),
            _named(tables.epochs, self.name),
        )

    def table(
        self, name: Literal["points", "trials", "epochs"], columns: frozenset[str] | None = None
    ) -> pa.Table:
        """Return one of ``tables``, for which no more is read than it takes.

        Where ``columns`` are given, by their names in small letters, others may be left out.
        """
        if name == "epochs" or "all_tables" in vars(self):
            return getattr(self.tables, name)
        wanted = None if columns is None else columns | {"study", "dropped"}
        found = read_points_or_trials(self.paths, name, wanted)
        if found is None:
            return getattr(self.tables, name)
        named = _named(found, self.name)
        if self.has_dropped or True not in named["dropped"].to_pylist():
            return named
        import pyarrow.compute as pc  # which takes longer than most questions do

        return named.filter(pc.invert(pc.fill_null(named["dropped"], False)))


@dataclass(frozen=True)
class Frames:
    """The tables of one or several studies as pandas frames."""

    studies: tuple[Study, ...]

    @cached_property
    def points(self) -> pd.DataFrame:
        """A row for each proposed point."""
        return _frame(study.tables.points for study in self.studies)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """A row for each trial, the failed and pruned ones included."""
        return _frame(study.tables.trials for study in self.studies)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """A row for each finished epoch of a trial that counts."""
        return _frame(study.tables.epochs for study in self.studies)

    @property
    def dropped(self) -> list[str]:
        """The points that the user dropped, by their numbers; of several studies by name too."""
        found = []
        for study in self.studies:
            points = study.all_tables.points
            name = f"{study.name} " if len(self.studies) > 1 else ""
            numbers = points.filter(points["dropped"])["point"].to_pylist()
            found += [f"{name}{number}" for number in numbers]
        return found

    @property
    def study(self) -> Study:
        """The study, where one is loaded; UserError where several are."""
        if len(self.studies) != 1:
            raise UserError(f"one study is needed here, and {len(self.studies)} are loaded")
        return self.studies[0]

    def only(self, name: str) -> Self:
        """Return the frames of one of the studies."""
        return type(self)(tuple(study for study in self.studies if study.name == name))

    def with_dropped(self) -> Self:
        """Return the frames with the points that the user dropped, which else are left out."""
        return type(self)(tuple(study.with_dropped() for study in self.studies))

    def at_epoch(self, *epochs: int) -> pd.DataFrame:
        """Return the epoch rows at these epochs, of trials that got there, with trials' columns.

        Where a column stands in both frames, it is the epoch's.
        """
        rows = self.epochs[self.epochs["epoch"].isin(epochs)]
        keys = ["study", "trial", "point", "replicate"]
        of_trials = [name for name in self.trials.columns if name not in rows.columns]
        return rows.merge(self.trials[[*keys, *of_trials]], on=keys)

    def __repr__(self) -> str:
        names = ", ".join(study.name for study in self.studies)
        counts = f"{len(self.points)} points, {len(self.trials)} trials, {len(self.epochs)} epochs"
        return f"<{type(self).__name__} of {names}: {counts}>"


def paths_of(source: Source, storage: StoragePath) -> StudyPaths:
    """Return the paths of a study given by name or path.

    A text is a path where it has a separator, or a journal lies below it.
    """
    if isinstance(source, StudyPaths):
        return source
    if not isinstance(source, str) or "/" in source or (Path(source) / "journal").is_dir():
        folder = storage_path(source)
        return StudyPaths(folder.parent, folder.name)
    return StudyPaths(storage, source)


def _named(table: pa.Table, study: str) -> pa.Table:
    """Return a table of one study with that study's name in each row."""
    if _names_in(table) <= {study}:
        return table  # without a new column, for which pyarrow loads pandas
    at = table.schema.get_field_index("study")
    field = table.schema.field(at)
    return table.set_column(at, field, pa.repeat(pa.scalar(study, field.type), len(table)))


def _names_in(table: pa.Table) -> set[str]:
    """Return the names of studies in a table's rows."""
    names = table["study"]
    if len(names) > _MANY_ROWS:
        names = names.unique()  # for which pyarrow loads what it computes with
    return set(names.to_pylist())


def _frame(tables: Iterable[pa.Table]) -> pd.DataFrame:
    """Return tables of one kind as one frame; a column that only some have is null elsewhere."""
    import pandas as pd  # which a query does without

    # nullable where numpy has no null, so that a column of counts stays one of counts
    dtypes = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    combined = pa.concat_tables(list(tables), promote_options="default")
    rows: pd.DataFrame = combined.to_pandas(types_mapper=dtypes.get)
    return rows
