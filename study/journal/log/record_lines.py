"""A journal's lines: how records are written as bytes, and how many bytes are whole records.

Each line carries its running number, how many records of its append follow it, and the CRC-32 of
what stands before. So an append of several records is read as a whole or not at all, and its torn
rest is told from damage.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

from study.errors import JournalDamaged
from study.files.storage import StoragePath
from study.journal.event_codec import Record
from study.journal.log.exact_json import decode_json

_CHECKSUM = b',"crc":"'
_END_BYTES = 18
"""So many bytes the checksum takes with all around it."""
PART_BYTES = 1 << 15
"""So much of a log is read and decoded at once: what a processor holds beside it, too."""
LARGEST_APPEND_BYTES = 1 << 30
"""So much is read at once of what is no record: a torn append, or damage. A journal may be longer.
"""
_BEGINNING = b'{"n":0,'
"""What every journal begins with."""
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
_SECTOR_BYTES = 512
"""What a disk writes as a whole."""
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""What a file name has in the place of bytes that aren't UTF-8."""


def encode_append(first: int, records: Sequence[Record]) -> bytes:
    """Encode records that are appended together; ``first`` is the number of the first one."""
    last = first + len(records) - 1
    numbered = enumerate(records, start=first)
    return b"".join(encode_line(number, record, last - number) for number, record in numbered)


def encode_line(number: int, record: Record, following: int = 0) -> bytes:
    """Encode a record as one line, which ``following`` more records of the same append follow.

    The running number comes first and the checksum last. A count of 0 is left out, as all counts
    are in journals from before there was one.
    """
    count = {"m": following} if following else {}
    text = _encode({"n": number, **count, **record})
    text = _LONE_SURROGATE.sub(lambda found: rf"\\u{ord(found[0]):x}", text)
    body = text.removesuffix("}").encode()
    return body + _end_of_line(body) + b"\n"


def _end_of_line(body: bytes) -> bytes:
    """What follows the body in a line: its CRC-32, and the end of the JSON object."""
    return b'%s%08x"}' % (_CHECKSUM, zlib.crc32(body))


class WholeRecords(NamedTuple):
    """The records from a journal's beginning that can be read, and how many bytes they take."""

    records: list[dict[str, Any]]
    size_bytes: int


def read_whole_records(data: bytes, path: StoragePath, *, can_be_torn: bool) -> WholeRecords:
    """Read a journal's bytes up to its torn tail; JournalDamaged where more than a tail is bad.

    A tail is torn where the last append isn't there as a whole. ``can_be_torn`` says whether a kill
    can leave such a tail at all.
    """
    return _joined(whole_blocks(Reading(in_parts(data)), path, can_be_torn=can_be_torn))


def whole_blocks(
    reading: Reading, path: StoragePath, *, can_be_torn: bool
) -> Iterator[WholeRecords]:
    """Read the same some dozens of records at a time, each time with how many bytes are read.

    What is damaged is found behind the records before it, which are given first.
    """
    for records in reading.blocks():
        yield WholeRecords(records, reading.whole_bytes)
    if not reading.torn_bytes:
        return
    damage = _damage(reading, can_be_torn=can_be_torn)
    if damage:
        number = reading.count
        place = f"record {number} (line {number + 1}, byte {reading.bytes_read})"
        message = f"{path}: {place} {damage}{_way_out(reading, path, can_be_torn)}"
        raise JournalDamaged(message)


def read_appended(data: bytes, first: int) -> WholeRecords:
    """Read bytes that follow on record ``first - 1`` as far as they are whole appends.

    What follows those may be torn, be written just now, or be damaged.
    """
    reading = Reading(in_parts(data), first)
    return _joined(WholeRecords(block, reading.whole_bytes) for block in reading.blocks())


def _joined(blocks: Iterator[WholeRecords]) -> WholeRecords:
    records: list[dict[str, Any]] = []
    size_bytes = 0
    for block in blocks:
        records += block.records
        size_bytes = block.size_bytes
    return WholeRecords(records, size_bytes)


def in_parts(data: bytes) -> Iterator[bytes]:
    """Cut bytes into parts as they are read from a file."""
    for start in range(0, len(data), PART_BYTES):
        yield data[start : start + PART_BYTES]


class Reading:
    """Reads the lines of a log as long as each is the one that has to come.

    ``parts`` are the log's bytes from record ``first`` on. They are asked for one by one, so that
    no more of a long log is in memory than one of them has.
    """

    def __init__(self, parts: Iterable[bytes], first: int = 0) -> None:
        self._parts = iter(parts)
        self._first = first
        """The number of the first record that has to come."""
        self.count = 0
        """How many records were read."""
        self.bytes_read = 0
        self.whole_count = 0
        """How many of the records belong to appends that are there as a whole."""
        self.whole_bytes = 0
        self.unread = b""
        """What follows the last record that was read, once there is none any more; of what is
        longer than any append, its beginning.
        """
        self._following = 0
        """How many more records the append has that the last one belongs to."""
        self._read: list[dict[str, Any]] = []
        """The records that were not given yet."""

    @property
    def torn_bytes(self) -> int:
        """How many bytes follow the last whole append."""
        return self.bytes_read - self.whole_bytes + len(self.unread)

    def blocks(self) -> Iterator[list[dict[str, Any]]]:
        """Read lines up to the first that isn't the one that has to come; give whole appends."""
        begun: list[bytes] = []
        for part in self._parts:
            begun.append(part)
            if b"\n" not in part:
                if len(begun) > LARGEST_APPEND_BYTES // PART_BYTES:
                    break
                continue
            *lines, rest = b"".join(begun).split(b"\n")
            begun = [rest]
            taken = self._take(lines)
            whole = self._read[: len(self._read) - (self.count - self.whole_count)]
            self._read = self._read[len(whole) :]
            if whole:
                yield whole
            if taken < len(lines):
                begun = [b"\n".join([*lines[taken:], rest])]
                break
        self.unread = _beginning(chain(begun, self._parts))

    def _take(self, lines: Sequence[bytes]) -> int:
        """Take lines up to the first that isn't the one that has to come; count them."""
        taken = 0
        for record in _decode_lines(lines):
            if record is None or record.pop("n", None) != self._first + self.count:
                break
            following = record.pop("m", 0)
            is_within_append = self.count > self.whole_count
            if is_within_append and following != self._following - 1:
                break
            self._read.append(record)
            self.count += 1
            self.bytes_read += len(lines[taken]) + 1
            self._following = following
            if following == 0:
                self.whole_count = self.count
                self.whole_bytes = self.bytes_read
            taken += 1
        return taken


def _beginning(parts: Iterable[bytes]) -> bytes:
    """Join parts up to the one with which they are longer than any append."""
    taken: list[bytes] = []
    size = 0
    for part in parts:
        taken.append(part)
        size += len(part)
        if size > LARGEST_APPEND_BYTES:
            break
    return b"".join(taken)


def _decode_lines(lines: Sequence[bytes]) -> list[dict[str, Any] | None]:
    """What ``_decode_line`` gives of each line, in half the time where all are sound."""
    bodies = list(filter(None, map(_body, lines)))
    if len(bodies) == len(lines):
        with suppress(ValueError, RecursionError):
            records: list[Any] = decode_json(b"[%s}]" % b"},".join(bodies))
            if len(records) == len(lines) and all(type(record) is dict for record in records):
                return records
    return [_decode_line(line) for line in lines]


def _decode_line(line: bytes) -> dict[str, Any] | None:
    """The record of a line with its number as ``n``; None where the line isn't what was written."""
    body = _body(line)
    if not body:
        return None
    try:
        record = decode_json(body + b"}")
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _body(line: bytes) -> bytes:
    """What stands before a line's checksum; nothing where that isn't right."""
    body = line[:-_END_BYTES]
    return body if line[-_END_BYTES:] == _end_of_line(body) else b""


def _damage(reading: Reading, *, can_be_torn: bool) -> str:
    """What is wrong with the bytes that were not read; empty where they are a torn tail."""
    unread = reading.unread
    if len(unread) > LARGEST_APPEND_BYTES:
        return (
            f"is not whole, and more than {LARGEST_APPEND_BYTES} bytes follow it:"
            " no study's journal has so many in one append"
        )
    lines = _ended_lines(unread)
    if can_be_torn and (_is_one_append_with_a_hole(reading, unread) or _is_late(reading, lines)):
        return ""
    if any(map(_body, lines[1:])):
        return "is damaged and records follow it"
    if lines and _body(lines[0]):
        return "is not what has to stand there, though its checksum is right"
    if not can_be_torn:
        return "is damaged or missing"
    if not reading.count and not _is_torn_beginning(unread):
        return "is damaged: the file doesn't begin as a journal does"
    return ""


def _is_one_append_with_a_hole(reading: Reading, unread: bytes) -> bool:
    """Whether unread bytes are what a loss of power has left of one append: sectors of it never
    came to the disk, and read as zeros, though later ones did.
    """
    if not _has_lost_sectors(unread, reading.bytes_read):
        return False
    last_records = set()
    for line in _ended_lines(unread):
        record = _decode_line(line)
        if record is not None:
            last_records.add(record.get("n", -1) + record.get("m", 0))
    begins_as_journal = bool(reading.count) or unread.startswith(_BEGINNING)
    is_known = begins_as_journal or bool(last_records) or not unread.strip(b"\0")
    return is_known and len(last_records) <= 1


def _is_late(reading: Reading, lines: Sequence[bytes]) -> bool:
    """Whether lines are one append of a driver that another one had gone on without: its write
    arrived behind records of the other's, which have its numbers.
    """
    first, following = _place_of(lines[0]) if lines else (None, None)
    if not isinstance(first, int) or not isinstance(following, int):
        return False
    if not 0 < first < reading.whole_count == reading.count or len(lines) > following + 1:
        return False
    return all(
        _place_of(line) == (first + place, following - place) for place, line in enumerate(lines)
    )


def _place_of(line: bytes) -> tuple[Any, Any]:
    """The number of a line's record, and how many of its append follow; None of what is none."""
    record = _decode_line(line) or {}
    return record.get("n"), record.get("m", 0)


def _has_lost_sectors(data: bytes, at: int) -> bool:
    """Whether the first zeros in data, which lies at byte ``at`` of its file, fill sectors, as far
    as data does.
    """
    start = data.find(b"\0")
    if start < 0:
        return False
    end = len(data) - len(data[start:].lstrip(b"\0"))
    begins_at_sector = start == 0 or (at + start) % _SECTOR_BYTES == 0
    ends_at_sector = end == len(data) or (at + end) % _SECTOR_BYTES == 0
    return begins_at_sector and ends_at_sector


def _ended_lines(data: bytes) -> list[bytes]:
    """Split bytes into lines without their ends; what follows the last end is none."""
    return data.split(b"\n")[:-1]


def _is_torn_beginning(data: bytes) -> bool:
    """Whether bytes without a whole record can be what a kill has left of a first append, or a loss
    of power, by which what was written last may read as zeros.
    """
    is_one_line = b"\n" not in data
    written = data.rstrip(b"\0")
    return is_one_line and (data.startswith(_BEGINNING) or _BEGINNING.startswith(written))


def _way_out(reading: Reading, path: StoragePath, is_file: bool) -> str:
    """What can be done about a damage."""
    text = (
        f"; the {reading.whole_count} records before it can be read. Restore the journal from a"
        " copy"
    )
    if is_file and reading.whole_count:
        kept_bytes = reading.whole_bytes
        text += f", or keep those records alone with: head -c {kept_bytes} {path} > {path}.kept"
    return text
