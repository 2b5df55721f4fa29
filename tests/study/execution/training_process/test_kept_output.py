"""What is printed is kept: its beginning and its end, however much there is."""

from __future__ import annotations

import os
from pathlib import Path

from study.execution.training_process.kept_output import KeptOutput
from study.files.local_storage import LocalPath


def kept(path: Path, *pieces: bytes) -> bytes | None:
    reading, writing = os.pipe()
    output = KeptOutput(reading, LocalPath(path))
    for piece in pieces:
        os.write(writing, piece)
    os.close(writing)
    output.finish()
    return path.read_bytes() if path.exists() else None


def test_all_of_a_little_is_kept(tmp_path: Path) -> None:
    found = kept(tmp_path / "out.txt", b"first\n", b"\xff\x00", b"last\n")
    assert found == b"first\n\xff\x00last\n"


def test_nothing_printed_is_no_file(tmp_path: Path) -> None:
    assert kept(tmp_path / "out.txt") is None


def test_of_much_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    lines = [f"{number:09d}\n".encode() * 100 for number in range(5000)]
    found = kept(tmp_path / "out.txt", *lines)
    assert found is not None
    assert found.startswith(lines[0])
    assert found.endswith(lines[-1])
    assert "… 3951424 bytes left out …".encode() in found
    assert len(found) < 2**20 + 100


def test_what_came_so_far_is_written_and_a_process_that_got_away_is_not_waited_for(
    tmp_path: Path,
) -> None:
    reading, writing = os.pipe()
    output = KeptOutput(reading, LocalPath(tmp_path / "out.txt"))
    os.write(writing, b"so far")
    while not (tmp_path / "out.txt").exists():
        output.write()
    output.finish()  # though the pipe is still open
    assert (tmp_path / "out.txt").read_bytes() == b"so far"
    os.close(writing)


def test_a_storage_that_refuses_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    reading, writing = os.pipe()
    output = KeptOutput(reading, LocalPath(tmp_path / "file" / "out.txt"))
    os.write(writing, b"lost")
    os.close(writing)
    output.finish()
    assert (tmp_path / "file").read_text() == ""
