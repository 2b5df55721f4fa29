"""A study file that was sent: what it would do, and having it run. To send it is to trust it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from search_spaces.validation import alternatives, closest_match
from study.cluster.job_request import JobRequest
from study.cluster.submission import check_submitted, request_to_run
from study.errors import SpecError
from study.execution.changes import Change
from study.execution.own_code.look import look_at_code
from study.execution.resources import code_names
from study.execution.user.prices import price_faults
from study.execution.user.trust import first_record_of, remember
from study.files.layout import StudyPaths
from study.files.storage import StoragePath
from study.inspection.own_code import check_own_code
from study.inspection.preview import preview_of
from study.journal.journal import read_records
from study.page.actions.bodies import BadBody, File
from study.page.actions.launching import Launcher
from study.spec.checks.repeat_checks import repeat_faults
from study.spec.load import load_spec, refuse

_NAME = "study.yaml"
"""What the file is called in messages."""
_BEGUN_WITHIN_S = 60.0
_MOST_BYTES = 256 << 10


def preview(body: File, storages: Mapping[str, StoragePath], launcher: Launcher) -> dict[str, Any]:
    """Return what a study file would do, as `study preview` says it: ``lines``, and as data.

    Raises SpecError with every fault of it.
    """
    storage = _storage(body, storages)
    with _written(body) as file:
        spec = load_spec(file)
        look = look_at_code(spec, elsewhere=not launcher.drives_here)
        faults = [*repeat_faults(spec), *look.faults, *price_faults(spec, storage)]
        refuse(file, faults)
        if launcher.drives_here:
            check_own_code(file, spec)
        seen = preview_of(spec, storage=str(storage))
        notes = [f"note: {note}" for note in look.notes]
        return {"study": spec.study, "lines": [*seen.lines(), *notes], "preview": seen.tree()}


def submit(body: File, storages: Mapping[str, StoragePath], launcher: Launcher) -> Change:
    """Have the study run.

    Raises SpecError with every fault of the file, and UserError where it can't be run.
    """
    storage = _storage(body, storages)
    with _written(body) as file:
        spec = load_spec(file)
        notes = []
        request = JobRequest(spec.study, str(storage), study_file=body.file)
        if launcher.can_start and not launcher.drives_here:
            notes = check_submitted(file, spec, str(storage))
            request = request_to_run(spec, str(storage), options={})
        change = launcher.start(request, f"study run FILE --storage {storage}")
        names = code_names(spec)
        if names and not launcher.drives_here:
            _remember(StudyPaths(storage, spec.study), names)
        lines = (*change.lines, *(f"note: {note}" for note in notes))
        return Change(lines, change.is_asked, change.facts)


def _remember(paths: StudyPaths, names: Sequence[str]) -> None:
    """Remember once the study is there that this user trusts its code: a job has begun it."""
    deadline = time.monotonic() + _BEGUN_WITHIN_S
    while time.monotonic() < deadline:
        with suppress(OSError):
            records = read_records(paths.journal)
            if records:
                remember(names, first_record_of(records))
                return
        time.sleep(0.5)


def _storage(body: File, storages: Mapping[str, StoragePath]) -> StoragePath:
    """Return the storage of a label; where there is one alone, also without."""
    label = body.storage or (next(iter(storages)) if len(storages) == 1 else "")
    if label in storages:
        return storages[label]
    guess = closest_match(label, list(storages))
    hint = f" (did you mean {guess}?)" if guess else ""
    raise BadBody(
        f"storage: must be the label of a storage; found {label!r:.80}; accepted"
        f" {alternatives(storages)}{hint}"
    )


@contextmanager
def _written(body: File) -> Iterator[Path]:
    """Write the file down for the length of the block; its faults are told by its usual name."""
    if len(body.file.encode(errors="replace")) > _MOST_BYTES:
        raise BadBody(f"file: must have at most {_MOST_BYTES} bytes")
    with tempfile.TemporaryDirectory(prefix="study-page-") as folder:
        path = Path(folder) / _NAME
        path.write_text(body.file, errors="replace", newline="")
        try:
            yield path
        except SpecError as error:
            lines = [line.replace(str(path), _NAME) for line in error.lines]
            raise SpecError(lines) from None
