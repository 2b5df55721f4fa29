"""What a trial's files are named is read back from their names, and other names are none of them."""

from __future__ import annotations

import pytest

from study.files.trial_files import (
    CheckpointFile,
    TrialFolder,
    attempt_of_text,
    output_name,
    stderr_name,
)


def test_a_name_is_read_back() -> None:
    assert TrialFolder(7, 1).name == "00007.1"
    assert TrialFolder.parse("00007.1") == TrialFolder(7, 1)
    assert CheckpointFile(2, 3).name == "attempt-0002-epoch-000003.ckpt"
    assert CheckpointFile.parse("attempt-0002-epoch-000003.ckpt") == CheckpointFile(2, 3)
    assert attempt_of_text(stderr_name(12)) == 12
    assert attempt_of_text(output_name(3)) == 3


@pytest.mark.parametrize("number", [10**5, 10**7])
def test_numbers_may_outgrow_their_width(number: int) -> None:
    assert TrialFolder.parse(TrialFolder(number, 1).name) == TrialFolder(number, 1)
    file = CheckpointFile(number, number)
    assert CheckpointFile.parse(file.name) == file


def test_a_later_attempt_s_checkpoint_is_newer() -> None:
    assert CheckpointFile(2, 1) > CheckpointFile(1, 9)
    assert CheckpointFile(2, 3) > CheckpointFile(2, 1)


@pytest.mark.parametrize("name", ["", "7", "a.b", ".attempt-0002-epoch-000003.ckpt.x1", "x.txt"])
def test_other_names_are_none(name: str) -> None:
    assert TrialFolder.parse(name) is None
    assert CheckpointFile.parse(name) is None
    assert attempt_of_text(name) is None
