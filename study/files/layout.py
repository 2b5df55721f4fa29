"""Every name in a study's folder, as properties of one object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from study.errors import UserError
from study.files.object_store import Place

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
FOLDER_MODE = 0o700
FILE_MODE = 0o600


def checked_name(name: str) -> str:
    """The name itself, where it is one that can't leave the storage folder; UserError elsewhere."""
    if NAME.match(name):
        return name
    raise UserError(
        f"a study's name is made of a-z, 0-9, '.', '_' and '-', 64 at most, not {name!r:.80}"
    )


def studies_in(storage: Place) -> list[StudyPaths]:
    """The studies that a storage holds, by name."""
    names = (spec.parent.name for spec in storage.glob("*/study.yaml"))
    found = (StudyPaths(storage, name) for name in names if NAME.match(name))
    return sorted(found, key=lambda paths: paths.name)


@dataclass(frozen=True)
class StudyPaths:
    """The folder of study ``name`` in ``storage``."""

    storage: Place
    name: str

    def __post_init__(self) -> None:
        checked_name(self.name)

    @property
    def folder(self) -> Place:
        return self.storage / self.name

    @property
    def spec(self) -> Place:
        """The study file as it stands; earlier versions lie beside it."""
        return self.folder / "study.yaml"

    def spec_version(self, version: int) -> Place:
        return self.folder / f"study.{version}.yaml"

    @property
    def journal(self) -> Place:
        """A file of lines, or, where nothing can be appended to a file, a folder of numbered
        objects.
        """
        return (
            self.folder
            / "journal"
            / ("events.jsonl" if isinstance(self.folder, Path) else "events")
        )

    @property
    def lock(self) -> Place:
        return self.folder / "journal" / "lock"

    @property
    def requests(self) -> Place:
        """A folder of files that ask the driver for something."""
        return self.folder / "journal" / "requests"

    @property
    def provenance(self) -> Place:
        return self.folder / "provenance.json"

    @property
    def trials(self) -> Place:
        return self.folder / "trials"

    def trial(self, point: int, replicate: int) -> Place:
        return self.trials / f"{point:05d}.{replicate}"

    def checkpoints(self, point: int, replicate: int) -> Place:
        return self.trial(point, replicate) / "checkpoints"

    def stderr(self, point: int, replicate: int, attempt: int) -> Place:
        return self.trial(point, replicate) / f"stderr.{attempt}.txt"

    @property
    def results(self) -> Place:
        return self.folder / "results"

    @property
    def points_table(self) -> Place:
        return self.results / "points.parquet"

    @property
    def trials_table(self) -> Place:
        return self.results / "trials.parquet"

    @property
    def epochs_table(self) -> Place:
        """A folder of parts."""
        return self.results / "epochs"

    @property
    def report(self) -> Place:
        return self.folder / "report.html"
