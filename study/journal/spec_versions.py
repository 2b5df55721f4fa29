"""The versions of a study's spec: files that the journal vouches for by their hashes."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from study.errors import StateLost, StudyExists, StudyFileChanged, Superseded
from study.files.layout import StudyPaths, is_there
from study.files.lock import this_process
from study.files.storage import StoragePath
from study.journal.event_codec import Event
from study.journal.events import JournalTaken, SpecAdopted
from study.journal.extension import check_extension, reopenings
from study.journal.history import History
from study.journal.journal import Journal
from study.journal.log.log_storage import log_at
from study.journal.replay import add_records, read_history
from study.spec.load import load_spec, study_file_text
from study.spec.spec import StudySpec

_MOST_TAKEOVERS = 50
_LONGEST_BEGINNING = 60
"""Of a study's name, so that a number finds room behind it."""
_SHA256 = "[0-9a-f]{64}"
_NEWEST_TAKEN = ("share", "prices", "notify")
"""Parts of a spec that decide nothing of what a study finds: a study that is run again with others
goes on with those.
"""


def begin(paths: StudyPaths, spec: StudySpec) -> None:
    """Put a new study's file into its folder, as its driver.

    Raises StudyExists where a study with another spec is there, or has come to be there meanwhile,
    and UserError where the storage can't hold a study.
    """
    if is_there(paths):
        check_same(spec, paths)
        return
    paths.folder.check_write_new()
    paths.folder.make_folder()
    try:
        paths.spec.write_new(study_file_text(spec))
    except FileExistsError:
        check_same(spec, paths)


def check_same(spec: StudySpec, paths: StudyPaths) -> None:
    """Raise StudyExists, with what differs, unless the study in the folder has this spec."""
    stored = load_spec(stored_spec_file(paths))
    if not spec.concurrency:
        spec = replace(spec, concurrency=stored.concurrency)
    if spec.is_pruner_open:
        spec = replace(spec, pruner=stored.pruner)
    spec = _with_parts(spec, stored)
    differences = stored.differences(spec)
    if differences:
        lines = "\n".join(f"  {line}" for line in differences)
        raise StudyExists(
            f"study {paths.name} exists in {paths.storage} and differs from this one:\n{lines}\nGo"
            f" on with it as it is: {paths.command('resume')}\nRun this one beside it: the same"
            f" command with --name {_free_name(paths)}"
        )


def _free_name(paths: StudyPaths) -> str:
    """Return a name like the study's that no study of its storage has."""
    beginning = paths.name[:_LONGEST_BEGINNING]
    numbered = (f"{beginning}-{number}" for number in count(2))
    return next(name for name in numbered if not is_there(StudyPaths(paths.storage, name)))


def with_newest_parts(paths: StudyPaths, spec: StudySpec) -> StudySpec | None:
    """Return the spec of the study in the folder with the parts of ``spec`` that may differ; None
    where they don't.
    """
    stored = load_spec(stored_spec_file(paths))
    newest = _with_parts(stored, spec)
    return newest if stored.differences(newest) else None


def _with_parts(spec: StudySpec, other: StudySpec) -> StudySpec:
    newest: dict[str, Any] = {name: getattr(other, name) for name in _NEWEST_TAKEN}
    return replace(spec, **newest)


def extend(
    paths: StudyPaths, new: StudySpec | None, say: Callable[[str], None] = lambda line: None
) -> None:
    """Make ``new`` the study's next version; nothing happens where it is None or changes nothing.

    Its file is written first. It holds from the record on that gives the file's hash. ``say`` is
    told where a torn tail of the journal is cut.
    """
    if new is None:
        return
    history = History()
    journal = open_journal(paths, history)
    try:
        if journal.cut:
            say(str(journal.cut))
        if not history.specs:
            return
        old = load_spec(_spec_file(paths, history))
        changes = old.differences(new)
        if not changes:
            return
        events = adoption(paths, history, old, new)
        journal.append(*(event.stamped().to_record() for event in events))
        paths.spec.write_whole(study_file_text(new))
    finally:
        journal.close()


def extended(paths: StudyPaths, history: History, counts: Mapping[str, int]) -> StudySpec:
    """Return a study's spec with more ``points`` or ``replicates``.

    Raises SpecError where there can't be so many.
    """
    sets = [f"replicates={counts['replicates']}"] if "replicates" in counts else []
    return load_spec(_spec_file(paths, history), sets=sets, points=counts.get("points"))


def adoption(paths: StudyPaths, history: History, old: StudySpec, new: StudySpec) -> list[Event]:
    """Write the file of a study's next version; return the events with which it comes to hold.

    Once they are on record, the study file in the folder is to be written. Raises UserError where
    the new version contradicts what has been recorded.
    """
    check_extension(old, new, history)
    reopened = reopenings(old, new, history, paths)
    text = study_file_text(new)
    version = history.specs[-1].version + 1
    write_version(paths, version, text)
    changes = old.differences(new)
    return [SpecAdopted(version=version, hash=sha256_hex(text), changes=changes), *reopened]


def write_version(paths: StudyPaths, version: int, text: str) -> None:
    """Write a version's file. Superseded where another driver has recorded that version.

    What lies there may have been left by an extension that never came to be. Without locks it may
    as well be what another driver has just recorded, which no listing shows yet: it stays.
    """
    path = paths.spec_version(version)
    try:
        path.write_new(text)
    except FileExistsError:
        specs = read_history(paths.journal).specs
        if specs and specs[-1].version >= version:
            raise Superseded("another driver has taken the study over") from None
        if not path.has_locks:
            path = paths.spec_version(version, sha256_hex(text))
        path.write_whole(text)


def current_spec(paths: StudyPaths, history: History, say: Callable[[str], None]) -> StudySpec:
    """Load the study's spec. Where a copy of it was changed, ``say`` is told, and the copy is
    written anew.
    """
    content = _spec_file(paths, history).read_bytes()
    adopted = history.specs[-1]
    held = version_file(paths, adopted) or paths.spec_version(adopted.version)
    for copy in (held, paths.spec):
        if not copy.exists() or copy.read_bytes() != content:
            say(
                f"{copy.name} was not what the study runs by, and is written anew; what changes a"
                " study is `study resume` with --set"
            )
            copy.write_whole(content)
    spec = load_spec(paths.spec)
    return spec if spec.concurrency else replace(spec, concurrency=history.concurrency)


def recorded_spec(paths: StudyPaths, history: History) -> StudySpec:
    """Load the spec that the journal names, for those who look.

    Warns with StudyFileChanged where the study file in the folder is another. That one is loaded
    only where no file has the journal's spec any more.
    """
    if not history.specs or _has_hash(paths.spec, history.specs[-1].hash):
        return load_spec(paths.spec)
    recorded = version_file(paths, history.specs[-1])
    version = history.specs[-1].version
    shown = f"version {version} ({recorded.name})" if recorded else "it all the same"
    warnings.warn(
        f"{paths.spec} is not what {paths.name} runs by: what is shown goes by {shown}; what"
        " changes a study is `study resume` with --set",
        StudyFileChanged,
        stacklevel=2,
    )
    return load_spec(recorded or paths.spec)


def stored_spec_file(paths: StudyPaths) -> StoragePath:
    """Find the file of the spec that a study in its folder goes by."""
    return _spec_file(paths, read_history(paths.journal))


def _spec_file(paths: StudyPaths, history: History) -> StoragePath:
    """The spec's file that the journal vouches for by its hash; StateLost where it was lost or
    changed. Of a study that has only begun it is the study file.
    """
    if not history.specs:
        return paths.spec
    current = history.specs[-1]
    found = version_file(paths, current)
    if found or _has_hash(paths.spec, current.hash):
        return found or paths.spec
    raise StateLost(
        f"the spec of {paths.name} is lost: neither {paths.spec_version(current.version)} nor"
        f" {paths.spec} is what the journal knows as version {current.version}; restore one of them"
        " from a copy"
    )


def version_file(paths: StudyPaths, adopted: SpecAdopted) -> StoragePath | None:
    """Find the file of a version that was adopted; None where it was lost or changed."""
    places = [paths.spec_version(adopted.version)]
    if re.fullmatch(_SHA256, str(adopted.hash)):  # what a stranger has written may lead elsewhere
        places.append(paths.spec_version(adopted.version, adopted.hash))
    return next((path for path in places if _has_hash(path, adopted.hash)), None)


def _has_hash(path: StoragePath, expected: str) -> bool:
    return path.exists() and sha256_hex(path.read_bytes()) == expected


def sha256_hex(content: str | bytes) -> str:
    """Return the SHA-256 of a file's content as hexadecimal text."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()


def supersede_earlier_drivers(paths: StudyPaths) -> None:
    """See to it that no earlier driver can write any more, where there are no locks for that.

    A record of ours does it: an earlier driver's next record would have the same number.
    """
    if paths.journal.has_locks or not log_at(paths.journal).exists():
        return
    for _ in range(_MOST_TAKEOVERS):
        journal = Journal.open(paths.journal)
        try:
            journal.append(JournalTaken(by=this_process()).stamped().to_record())
            return
        except Superseded:
            continue  # the earlier driver has just written once more
    raise Superseded(
        f"{paths.name} is being driven so fast that it can't be taken over; stop its driver first"
    )


def open_journal(paths: StudyPaths, history: History | None = None) -> Journal:
    """Open the study's journal as its driver, a new one where there is none; add what it holds to
    an empty history.
    """
    history = history or History()
    if log_at(paths.journal).exists():
        return Journal.open(paths.journal, partial(add_records, history, path=paths.journal))
    return Journal.create(paths.journal)
