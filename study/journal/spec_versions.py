"""The versions of a study's spec: files that the journal vouches for by their hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from study.errors import StateLost, Superseded
from study.files.layout import StudyPaths
from study.files.lock import this_process
from study.files.storage import StoragePath
from study.journal.events import JournalTaken, SpecAdopted
from study.journal.extension import check_extension, reopenings
from study.journal.history import History
from study.journal.journal import Journal, read_events
from study.journal.log_storage import log_at
from study.spec.load import load_spec
from study.spec.spec import StudySpec

_TRIES = 50


def extend(paths: StudyPaths, new: StudySpec | None) -> None:
    """Make ``new`` the study's next version: its file first, then the journal's word that it
    holds.
    """
    journal = open_journal(paths)
    try:
        history = History(journal.events_read)
        if new is None or not history.specs:
            return
        old, version = load_spec(_spec_file(paths, history)), history.specs[-1].version + 1
        changes = old.differences(new)
        if not changes:
            return
        check_extension(old, new, history)
        events = reopenings(old, new, history, paths)
        text = new.with_recorded_defaults().yaml()
        paths.spec_version(version).write_whole(text)
        adopted = SpecAdopted(version=version, hash=digest(text), changes=changes)
        journal.append(*(event.stamped().to_record() for event in (adopted, *events)))
        paths.spec.write_whole(text)
    finally:
        journal.close()


def _spec_file(paths: StudyPaths, history: History) -> StoragePath:
    """The spec's file that the journal vouches for by its hash; StateLost where it was lost or
    changed.
    """
    current = history.specs[-1]
    for path in (paths.spec_version(current.version), paths.spec):
        if path.exists() and digest(path.read_bytes()) == current.hash:
            return path
    raise StateLost(
        f"the spec of {paths.name} is lost: neither {paths.spec_version(current.version)} nor"
        f" {paths.spec} is what the journal knows as version {current.version}; restore one of them"
        " from a copy"
    )


def current_spec(paths: StudyPaths, history: History, say: Callable[[str], None]) -> StudySpec:
    """The study's spec; its readable copy is mended where it differs."""
    path = _spec_file(paths, history)
    version, content = paths.spec_version(history.specs[-1].version), path.read_bytes()
    for copy in (version, paths.spec):
        if not copy.exists() or copy.read_bytes() != content:
            say(
                f"{copy.name} was not what the study runs by, and is written anew; study resume"
                " --set … changes a study"
            )
            copy.write_whole(content)
    spec = load_spec(paths.spec)
    return spec if spec.concurrency else replace(spec, concurrency=history.concurrency)


def digest(content: str | bytes) -> str:
    """SHA-256, as hexadecimal text."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def stored_file(paths: StudyPaths) -> StoragePath:
    """The spec's file of a study that is there."""
    history = History(read_events(paths.journal))
    return _spec_file(paths, history) if history.specs else paths.spec


def supersede(paths: StudyPaths) -> None:
    """Where there are no locks: see that no earlier driver can write any more, before anything is
    looked at.
    """
    if paths.journal.has_locks or not log_at(paths.journal).exists():
        return
    for _ in range(_TRIES):
        journal = Journal.open(paths.journal)
        try:
            journal.append(JournalTaken(by=this_process()).stamped().to_record())
            return
        except Superseded:
            continue  # the earlier driver has just written once more
    raise Superseded(
        f"{paths.name} is being driven so fast that it can't be taken over; stop its driver first"
    )


def open_journal(paths: StudyPaths) -> Journal:
    return (
        Journal.open(paths.journal)
        if log_at(paths.journal).exists()
        else Journal.create(paths.journal)
    )
