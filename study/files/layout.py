"""Every name in a study's folder, as properties of one object."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from search_spaces.validation import closest_match
from study.errors import StudyNotFound, UserError
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import storage_path
from study.files.trial_files import CHECKPOINTS, KEPT, TrialFolder, output_name, stderr_name

_USUAL_STORAGE = "studies"
"""Commands look there without being told."""

JOURNAL_BYTES_KEY = b"journal_bytes"
"""Under this key the table of trials says, in its metadata, how long the journal was that the
tables were made from.
"""
STUDY_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}\Z")


def check_study_name(name: str) -> str:
    """Return the name where it can be a study's, and so can't lead out of the storage; else raise
    UserError.
    """
    if STUDY_NAME.match(name):
        return name
    raise UserError(
        f"a study's name is made of a-z, 0-9, '.', '_' and '-', 64 at most, not {name!r:.80}"
    )


def studies_in(storage: StoragePath) -> list[StudyPaths]:
    """List the studies that a storage holds, by name."""
    names = sorted(spec.parent.name for spec in storage.glob("*/study.yaml"))
    return [StudyPaths(storage, name) for name in names if STUDY_NAME.match(name)]


def existing(name: str, storage: StorageLike) -> StudyPaths:
    """Return the paths of a study that is there; raise StudyNotFound with the nearest name else."""
    root = storage_path(storage)
    paths = StudyPaths(root, name)
    paths.check_plain()
    if is_there(paths):
        return paths
    raise StudyNotFound(f"no study {name} in {root}{names_near(name, root)}")


def is_there(paths: StudyPaths) -> bool:
    """Whether the folder holds a study, which it does by its journal even if its spec is lost."""
    return paths.spec.exists() or paths.journal.exists()


def names_near(name: str, storage: StoragePath) -> str:
    """Return the end of a message that finds no study ``name``: the nearest one, or those there."""
    others = [other.name for other in studies_in(storage)]
    guess = closest_match(name, others)
    if guess:
        return f" (did you mean {guess}?)"
    return f"; there are: {', '.join(others)}" if others else ""


@dataclass(frozen=True)
class StudyPaths:
    """Where everything of the study ``name`` lies in ``storage``."""

    storage: StoragePath
    name: str

    def __post_init__(self) -> None:
        check_study_name(self.name)

    def check_plain(self) -> None:
        """Raise UserError where the study's folder holds links, pipes, devices or sockets, before
        any of it is opened. They come in folders from strangers, and lead to files of one's own.
        """
        self.folder.check_plain()

    def command(self, verb: str, *words: object) -> str:
        """Return a line for a shell that does something with the study: ``study resume NAME …``."""
        parts = ["study", verb, self.name, *(str(word) for word in words)]
        if self.storage != storage_path(_USUAL_STORAGE):
            parts += ["--storage", str(self.storage)]
        return shlex.join(parts)

    @property
    def folder(self) -> StoragePath:
        return self.storage / self.name

    @property
    def spec(self) -> StoragePath:
        """The study file as it holds now; its earlier versions lie beside it."""
        return self.folder / "study.yaml"

    def spec_version(self, version: int, content_hash: str = "") -> StoragePath:
        """Where the file of a version lies, or, with the hash of its content, where it lies beside
        another one that claims to be this version.
        """
        beside = f".{content_hash[:16]}" if content_hash else ""
        return self.folder / f"study.{version}{beside}.yaml"

    @property
    def journal(self) -> StoragePath:
        """A file of lines, or, where files can't grow, a folder of numbered objects."""
        name = "events.jsonl" if self.folder.can_append else "events"
        return self.folder / "journal" / name

    @property
    def lock(self) -> StoragePath:
        return self.folder / "journal" / "lock"

    @property
    def requests(self) -> StoragePath:
        """A folder of files that ask the driver for something."""
        return self.folder / "journal" / "requests"

    @property
    def live(self) -> StoragePath:
        """What a running study's driver knows of the moment; derived, and gone when it ends."""
        return self.folder / "live.json"

    @property
    def summary(self) -> StoragePath:
        """The study in a few figures, for lists of studies; derived, as its driver ended."""
        return self.folder / "summary.json"

    @property
    def provenance(self) -> StoragePath:
        return self.folder / "provenance.json"

    @property
    def trials(self) -> StoragePath:
        return self.folder / "trials"

    def trial(self, point: int, replicate: int) -> StoragePath:
        return self.trials / TrialFolder(point, replicate).name

    def checkpoints(self, point: int, replicate: int) -> StoragePath:
        return self.trial(point, replicate) / CHECKPOINTS

    def stderr(self, point: int, replicate: int, attempt: int) -> StoragePath:
        return self.trial(point, replicate) / stderr_name(attempt)

    def output(self, point: int, replicate: int, attempt: int) -> StoragePath:
        """What a training function printed."""
        return self.trial(point, replicate) / output_name(attempt)

    def kept(self, point: int, replicate: int) -> StoragePath:
        """The folder of what a training function kept."""
        return self.trial(point, replicate) / KEPT

    @property
    def results(self) -> StoragePath:
        return self.folder / "results"

    @property
    def points_table(self) -> StoragePath:
        return self.results / "points.parquet"

    @property
    def trials_table(self) -> StoragePath:
        return self.results / "trials.parquet"

    @property
    def epochs_table(self) -> StoragePath:
        """A folder of Parquet files, each of which holds the epochs of some trials."""
        return self.results / "epochs"

    @property
    def report(self) -> StoragePath:
        return self.folder / "report.html"
