"""A journal whose checksums hold and whose content is wrong: forged, of a newer program, or bent
before it was written. Whoever looks is told in one line, and sees the other studies.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.errors import StudyError
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.inspection.status import overview, status_of
from study.journal.history import FORMAT

from ...taking_up import take_up

Forge = Callable[[dict[str, Any]], str]
"""Makes the text of a record, short of its checksum and the closing brace, of one that was whole.
"""
FORGED = 3
"""The number of the record that is forged."""


def open_object(event: dict[str, Any]) -> str:
    """A record as it is written, short of its checksum and the closing brace."""
    return json.dumps(event)[:-1]


def without(*names: str) -> Forge:
    return lambda event: open_object({k: v for k, v in event.items() if k not in names})


def changed(**fields: Any) -> Forge:
    return lambda event: open_object(event | fields)


HOSTILE: dict[str, Forge] = {
    "no JSON": lambda event: '{"n":3,"event":told',
    "no number of its own": without("n"),
    "a number of 5,000 digits": lambda event: f'{{"n":3,"event":"told","point":{5000 * "9"}',
    "nested 100,000 deep": lambda event: f'{{"n":3,"event":"told","point":{100_000 * "["}',
    "an unknown event": changed(event="applauded"),
    "an event named like a function": changed(event="release"),
    "an event that is a list": changed(event=["told"]),
    "no event": without("event"),
    "no time": without("time"),
    "fields that are missing": lambda event: open_object({"n": 3, "event": "told", "time": 1.0}),
    "a point that was never asked": lambda event: open_object(
        {"n": 3, "event": "told", "time": 1.0, "point": 99, "state": "COMPLETE", "value": 1.0}
    ),
}
NUMBERED_BY_A_TEXT = changed(n=str(FORGED))


def signed(text: str) -> bytes:
    """The line of a record, with the checksum that it should have."""
    body = text.encode()
    return body + f',"crc":"{zlib.crc32(body):08x}"}}\n'.encode()


def forge(study: StudyPaths, storage: Path, number: int, forged: Forge) -> StudyPaths:
    """Two copies of a study in a storage; record ``number`` of the first one is forged."""
    paths = StudyPaths(LocalPath(storage), "forged")
    for name in ("forged", "sound"):
        shutil.copytree(study.folder, storage / name)
    path = Path(str(paths.journal))
    lines = path.read_bytes().splitlines(keepends=True)
    event = json.loads(lines[number])
    del event["crc"]
    lines[number] = signed(forged(event))
    path.write_bytes(b"".join(lines))
    return paths


def said_of(paths: StudyPaths) -> str:
    """What looking at a study says: the line of its error."""
    with pytest.raises(StudyError) as looked:
        status_of(paths)
    found, _ = take_up(paths)
    assert isinstance(found, StudyError)
    said = str(looked.value)
    assert len(said.splitlines()) == 1
    return said


def check_others_are_seen(paths: StudyPaths, said: str) -> None:
    forged, sound = overview(paths.storage)
    assert (forged["study"], sound["study"]) == ("forged", "sound")
    assert said in forged["state"]
    assert sound["points"] == 6


def check_named(paths: StudyPaths) -> None:
    """The forged record is named, and the study beside it is there."""
    said = said_of(paths)
    assert str(paths.journal) in said
    assert f"record {FORGED}" in said
    check_others_are_seen(paths, said)


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_record_is_named_with_its_place(
    finished: StudyPaths, tmp_path: Path, what: str
) -> None:
    check_named(forge(finished, tmp_path, FORGED, HOSTILE[what]))


def test_a_record_whose_number_is_a_text_is_named_with_its_place(
    finished: StudyPaths, tmp_path: Path
) -> None:
    check_named(forge(finished, tmp_path, FORGED, NUMBERED_BY_A_TEXT))


def test_a_journal_of_a_newer_format_says_so(finished: StudyPaths, tmp_path: Path) -> None:
    paths = forge(finished, tmp_path, 0, changed(format=FORMAT + 1))
    said = said_of(paths)
    assert "newer" in said
    assert str(paths.journal) in said
    check_others_are_seen(paths, said)


def test_the_records_that_are_forged_here_are_whole_but_for_what_is_forged(
    finished: StudyPaths, tmp_path: Path
) -> None:
    paths = forge(finished, tmp_path, FORGED, open_object)
    assert status_of(paths)["points"] == 6
