"""Where a study's figures come from: who drove it when, with which code on which machine."""

from __future__ import annotations

from analysis.frames import Study
from analysis.rendering import Cell, Header, Table, make_table
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
