"""Every name in a study's folder, as properties of one object."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from study.errors import UserError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")
FOLDER_MODE = 0o700
FILE_MODE = 0o600


def checked_name(name: str) -> str:
    """The name itself, where it is one that can't leave the storage folder; UserError elsewhere."""
    if NAME.match(name):
        return name
    raise UserError(f"a study's name is made of a-z, 0-9, '.', '_' and '-', 64 at most, not {name!r:.80}")


@dataclass(frozen=True)
class StudyPaths:
    """The folder of study ``name`` in ``storage``."""

    storage: Path
    name: str

    def __post_init__(self) -> None:
        checked_name(self.name)

    @property
    def folder(self) -> Path:
        return self.storage / self.name

    @property
    def spec(self) -> Path:
        """The study file as it stands; earlier versions lie beside it."""
        return self.folder / "study.yaml"

    def spec_version(self, version: int) -> Path:
        return self.folder / f"study.{version}.yaml"

    @property
    def journal(self) -> Path:
        return self.folder / "journal" / "events.jsonl"

    @property
    def lock(self) -> Path:
        return self.folder / "journal" / "lock"

    @property
    def requests(self) -> Path:
        """A folder of files that ask the driver for something."""
        return self.folder / "journal" / "requests"

    @property
    def provenance(self) -> Path:
        return self.folder / "provenance.json"

    @property
    def trials(self) -> Path:
        return self.folder / "trials"

    def trial(self, point: int, replicate: int) -> Path:
        return self.trials / f"{point:05d}.{replicate}"

    def checkpoints(self, point: int, replicate: int) -> Path:
        return self.trial(point, replicate) / "checkpoints"

    def stderr(self, point: int, replicate: int, attempt: int) -> Path:
        return self.trial(point, replicate) / f"stderr.{attempt}.txt"

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def points_table(self) -> Path:
        return self.results / "points.parquet"

    @property
    def trials_table(self) -> Path:
        return self.results / "trials.parquet"

    @property
    def epochs_table(self) -> Path:
        """A folder of parts."""
        return self.results / "epochs"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"
