"""A journal's lines tell whole appends, torn tails and damage apart."""

from __future__ import annotations

import json
from itertools import chain, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.errors import JournalDamaged
from study.files.local_storage import LocalPath
from study.journal.log.record_lines import (
    Reading,
    encode_append,
    encode_line,
    read_whole_records,
)


def told(point: int) -> dict[str, object]:
    return {"event": "told", "point": point}


def whole(data: bytes, *, can_be_torn: bool = True) -> list[int]:
    path = LocalPath(Path("/studies/tiny/journal/events.jsonl"))
    found = read_whole_records(data, path, can_be_torn=can_be_torn)
    return [record["point"] for record in found.records]


def test_each_line_of_an_append_says_how_many_follow() -> None:
    lines = encode_append(4, [told(0), told(1), told(2)]).splitlines()
    assert [json.loads(line).get("m") for line in lines] == [2, 1, None]
    assert [json.loads(line)["n"] for line in lines] == [4, 5, 6]


def test_an_incomplete_append_at_the_end_is_torn() -> None:
    first, second = encode_append(0, [told(0)]), encode_append(1, [told(1), told(2)])
    half = second.splitlines(keepends=True)[0]
    assert whole(first + second) == [0, 1, 2]
    assert whole(first + half) == [0]
    assert whole(first + half + b'{"n":2,') == [0]


def test_records_without_a_count_are_appends_of_their_own() -> None:
    lines = [encode_line(number, told(number)) for number in range(3)]
    assert whole(b"".join(lines)) == [0, 1, 2]
    assert whole(b"".join(lines[:2])) == [0, 1]


def test_an_incomplete_append_in_the_middle_is_damage() -> None:
    half = encode_append(0, [told(0), told(1)]).splitlines(keepends=True)[0]
    with pytest.raises(JournalDamaged, match=r"record 1 \(line 2, byte \d+\) is not what has to"):
        whole(half + encode_line(1, told(1), following=3))


def test_an_append_that_came_behind_its_successors_is_late() -> None:
    """Of a driver that another one went on without: its write was on its way."""
    theirs = encode_append(0, [told(0)]) + encode_append(1, [told(1), told(2)])
    for late in (encode_append(1, [told(9)]), encode_append(2, [told(9), told(8)])):
        assert whole(theirs + late) == [0, 1, 2]
        assert whole(theirs + late[:-1]) == [0, 1, 2]
        with pytest.raises(JournalDamaged, match=r"record 3 \(line 4, byte \d+\) is "):
            whole(theirs + late, can_be_torn=False)


def test_more_than_one_append_with_old_numbers_is_damage() -> None:
    theirs = encode_append(0, [told(0)]) + encode_append(1, [told(1)])
    late = encode_append(1, [told(9)])
    for more in (encode_append(2, [told(2)]), encode_append(1, [told(9)])):
        with pytest.raises(JournalDamaged, match=r"record 2 \(line 3"):
            whole(theirs + late + more)
    with pytest.raises(JournalDamaged, match=r"record 2 \(line 3"):
        whole(theirs + encode_append(0, [told(0)]))


def test_where_nothing_can_be_torn_an_incomplete_append_is_damage() -> None:
    half = encode_append(0, [told(0), told(1)]).splitlines(keepends=True)[0]
    with pytest.raises(JournalDamaged, match=r"record 1 .*missing"):
        whole(half, can_be_torn=False)


@given(
    st.lists(st.integers(1, 3), max_size=6),
    st.binary(max_size=60) | st.just(encode_append(0, [told(0), told(1)])),
    st.lists(st.integers(0, 500)),
)
def test_it_does_not_matter_in_which_parts_a_log_is_read(
    appended: list[int], rest: bytes, cuts: list[int]
) -> None:
    data, count = b"", 0
    for records in appended:
        data += encode_append(count, [told(count + each) for each in range(records)])
        count += records
    data += rest
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    parts = [data[start:end] for start, end in pairwise(places)]
    at_once, in_parts = Reading([data]), Reading(parts)
    assert [*chain(*in_parts.blocks())] == [*chain(*at_once.blocks())]
    assert (in_parts.whole_count, in_parts.whole_bytes) == (
        at_once.whole_count,
        at_once.whole_bytes,
    )
    assert (in_parts.count, in_parts.bytes_read) == (at_once.count, at_once.bytes_read)
    assert (in_parts.unread, in_parts.torn_bytes) == (at_once.unread, at_once.torn_bytes)
    assert at_once.whole_bytes + at_once.torn_bytes == len(data)


@pytest.mark.parametrize("data", [b"a thesis", b"\n", b'{"n":0,\n', b"\\documentclass\n\\begin\n"])
def test_what_does_not_begin_as_a_journal_is_no_torn_one(data: bytes) -> None:
    with pytest.raises(JournalDamaged, match=r"record 0 .*begin as a journal") as caught:
        whole(data)
    assert "head -c" not in str(caught.value)


@pytest.mark.parametrize("kept", [0, 1, 5, 30])
def test_a_torn_first_append_is_none(kept: int) -> None:
    assert whole(encode_append(0, [told(0), told(1)])[:kept]) == []


@pytest.mark.parametrize("kept", [1, 5, 7, 30])
def test_a_torn_first_append_that_ends_in_zeros_is_none(kept: int) -> None:
    """A disk may have the first bytes of a sector, and of the later ones only how many."""
    data = encode_append(0, [told(0), told(1)])
    assert whole(data[:kept] + bytes(len(data) - kept)) == []
    with pytest.raises(JournalDamaged, match="begin as a journal"):
        whole(b"{'n'" + bytes(9))


def long_append(number: int, records: int) -> bytes:
    """An append that takes several sectors of a disk."""
    return encode_append(number, [{**told(number + n), "note": "x" * 700} for n in range(records)])


def with_lost_sectors(data: bytes, begin: int, end: int) -> bytes:
    return data[:begin] + bytes(end - begin) + data[end:]


@pytest.mark.parametrize(("begin", "end"), [(0, 512), (512, 1024), (512, 2048), (1024, 2562)])
def test_an_append_whose_earlier_sectors_never_came_to_the_disk_is_torn(
    begin: int, end: int
) -> None:
    first = encode_append(0, [told(0)]).replace(b"\n", b"")
    first = encode_line(0, told(0) | {"note": "x" * (512 - len(first) - 11)})
    assert len(first) == 512
    last = long_append(1, 4)
    assert whole(first + with_lost_sectors(last, begin, min(end, len(last)))) == [0]


def test_a_first_append_of_which_only_the_length_came_to_the_disk_is_torn() -> None:
    assert whole(bytes(900)) == []
    assert whole(with_lost_sectors(long_append(0, 3), 0, 1024)) == []


def test_lost_sectors_before_another_append_are_damage() -> None:
    data = long_append(0, 1) + long_append(1, 4) + long_append(5, 1)
    with pytest.raises(JournalDamaged, match="record 1"):
        whole(with_lost_sectors(data, 1024, 1536))


def test_zeros_that_are_no_sectors_are_damage() -> None:
    data = long_append(0, 4)
    with pytest.raises(JournalDamaged):
        whole(with_lost_sectors(data, 100, 200))
