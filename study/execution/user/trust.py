"""Whose code a study runs: a study that names own code is gone on with by those who trust it.

A study file may name code, as ``package.module:factory``: a model, a data set, a sampler. A study
that somebody else has handed over would run theirs. So a driver goes on with a study that names
code only where this user has started that very study with these names, or has said once that they
are trusted. That is remembered in the user's configuration folder. Whether the code behind a name
has changed is not looked at here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from study.errors import StorageFault, Untrusted
from study.execution.resources import code_names, factories
from study.execution.user.configuration import configuration_folder
from study.files.layout import StudyPaths
from study.files.storage import StorageLike
from study.files.storage_uri import path_as_written
from study.journal.event_codec import Record
from study.journal.journal import blocks_of
from study.spec.spec import StudySpec


def names_written(overrides: Sequence[str]) -> tuple[str, ...]:
    """The ``package.module:factory`` among the values of ``path=value`` texts."""
    values = [text.partition("=")[2].strip() for text in overrides]
    return tuple(sorted(set(factories(values))))


def names_to_trust(spec: StudySpec) -> set[str]:
    """Return what a study names that would run on this machine: own code, commands for notices."""
    commands = [notice.receiver for notice in spec.notify if notice.to == "command"]
    return {*code_names(spec), *(f"notify: {command}" for command in commands)}


def lies_in_a_study(source: StorageLike | StudySpec) -> bool:
    """Whether a study file is one of those in a study's own folder, beside its journal."""
    if isinstance(source, StudySpec):
        return False
    journal = path_as_written(source).parent / "journal"
    return journal.is_dir()


def check_file_trusted(source: StorageLike, spec: StudySpec, trusted: bool) -> None:
    """Raise Untrusted where a study file names code and lies in a study's own folder, unless the
    code is ``trusted``.
    """
    names = code_names(spec)
    if names and not trusted and lies_in_a_study(source):
        raise Untrusted(spec.study, names)


def check_trusted(study: str, names: Iterable[str], first_record: bytes) -> None:
    """Raise Untrusted unless this user trusts all of these names in this very study.

    ``first_record`` is the beginning of the study's journal, by which it is told from others.
    """
    unknown = [name for name in names if not _mark(name, first_record).exists()]
    if unknown:
        raise Untrusted(study, unknown)


def check_study_trusted(
    paths: StudyPaths, study: str, names: Sequence[str], *, trusted: bool
) -> None:
    """Raise Untrusted unless this user trusts these names in the study at ``paths``; remember what
    is ``trusted`` now.
    """
    first_record = beginning_of(paths)
    if trusted:
        remember(names, first_record)
    check_trusted(study, [] if trusted else names, first_record)


def beginning_of(paths: StudyPaths) -> bytes:
    """Return by what a study is told from others: the beginning of its journal.

    Raises StorageFault where the storage shows none.
    """
    beginning = next(blocks_of(paths.journal), None)
    if beginning is None:  # an object store may list a journal late
        raise StorageFault(
            f"{paths.journal} shows no record now; when it does: {paths.command('resume')}"
        )
    return first_record_of(beginning.records)


def first_record_of(records: Sequence[Record]) -> bytes:
    """Return the same, of a journal with these records."""
    return json.dumps(records[0], sort_keys=True).encode()


def remember(names: Iterable[str], first_record: bytes) -> None:
    """Remember that this user trusts these names in this study.

    Nothing is remembered where the configuration folder can't be written: then the next command
    asks again.
    """
    for name in names:
        mark = _mark(name, first_record)
        with suppress(OSError):
            mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark.touch(mode=0o600)


def _mark(name: str, first_record: bytes) -> Path:
    """The file whose being there says that a name is trusted in a study."""
    trusted = json.dumps([hashlib.sha256(first_record).hexdigest(), name])
    return configuration_folder() / "trusted" / hashlib.sha256(trusted.encode()).hexdigest()
