"""Where a study's figures come from: the images that were trained on, and who drove it when, with
which code on which machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.frames import Frames, Study
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.figures import as_cell
from study.journal.history import DriverSession
from study.results.cells import utc_time
from study.results.trial_rows import code_version


def sessions_table(study: Study) -> Table:
    """Return the study's sessions in their order; the versions of its study file are the notes."""
    rows = [_session_row(session) for session in study.history.sessions]
    headers = [
        Header("session"),
        Header("from (UTC)"),
        Header("to (UTC)"),
        Header("ended by"),
        Header("host"),
        Header("processor"),
        Header("code"),
        Header("packages"),
        Header("command"),
    ]
    return make_table("Provenance", headers, rows, _version_notes(study))


def _session_row(session: DriverSession) -> list[Cell]:
    last_known = session.closed_at or session.last_event_at or session.opened_at
    unclosed = "running, or killed" if session.closed_at is None else None
    processor = str(session.provenance.get("processor", ""))
    return [
        session.number,
        utc_time(session.opened_at),
        utc_time(last_known),
        session.reason or unclosed,
        session.host,
        processor or None,
        code_version(session.provenance) or None,
        _packages_text(session),
        session.command,
    ]


def _packages_text(session: DriverSession) -> str:
    versions = session.provenance.get("packages", {})
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def _version_notes(study: Study) -> list[str]:
    notes = []
    for spec in study.history.specs:
        changes = f": {'; '.join(spec.changes)}" if spec.changes else ""
        notes.append(f"Study file version {spec.version}, SHA-256 {spec.hash[:16]}…{changes}")
    return notes


_MOST_NAMES = 20
"""Classes that are named; the column class_names of the trials' table has more."""
_RECORDED_NAMES = 100
"""A trial's record names no more classes."""
_PARTS = ("train", "validation", "test")
_NO_NAMES = "[]"


def images_table(results: Frames) -> Table:
    """Return a row for each set of images that trials have trained on, with its classes by name.

    Trainings of the user's own have none.
    """
    headers = [
        Header("data"),
        Header("path"),
        *(Header(f"{part} images") for part in _PARTS),
        Header("left out"),
        Header("classes"),
        Header("class names"),
    ]
    found = {tuple(_images_row(trial)): None for trial in _trained(results)}
    return make_table("Images", headers, [list(row) for row in found])


def _trained(results: Frames) -> Sequence[Mapping[Any, Any]]:
    """Return the trials that say which images they have trained on."""
    trials = results.trials
    if "data_fingerprint" not in trials:
        return []
    return trials[trials["data_fingerprint"].notna()].to_dict("records")


def _images_row(trial: Mapping[Any, Any]) -> list[Cell]:
    counts = dict(
        part.split(" ", 1) for part in str(trial["data_fingerprint"]).split(", ") if " " in part
    )
    names = json.loads(str(as_cell(trial.get("class_names")) or _NO_NAMES))
    shown = ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")
    return [
        as_cell(trial.get("data.name")),
        as_cell(trial.get("data.path")),
        *(int(counts[part]) if part in counts else None for part in _PARTS),
        as_cell(trial.get("left_out_files")) or None,
        (len(names) if len(names) < _RECORDED_NAMES else f"at least {len(names)}") or None,
        shown or None,
    ]
