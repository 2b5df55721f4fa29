"""What a job says to whoever submitted it is found between all that others write."""

from __future__ import annotations

import pytest

from study.cluster.job_log import StudyLines, is_accepted, print_acceptance, print_refusal
from study.errors import UserError


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return str(capsys.readouterr().out)


def test_a_job_says_nothing_before_it_has_looked(capsys: pytest.CaptureFixture[str]) -> None:
    assert not is_accepted("")
    assert not is_accepted("Ray has something to say\n")
    print_acceptance()
    assert is_accepted("Ray has something to say\n" + printed(capsys))


def test_a_refusal_is_raised_as_it_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    reason = "optimizer.lr: must be a number\nepochs: must be whole"
    print_refusal(reason)
    log = printed(capsys)
    assert log.count("\n") == 1
    with pytest.raises(UserError) as refused:
        is_accepted("Ray has something to say\n" + log)
    assert str(refused.value) == reason


def test_the_studys_lines_are_those_after_its_acceptance_however_the_log_is_cut(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_acceptance()
    log = f"from Ray\n{printed(capsys)}first\n\nsecond\nbegun"
    for size in (1, 7, len(log)):
        said: list[str] = []
        lines = StudyLines(said.append)
        for start in range(0, len(log), size):
            lines.feed(log[start : start + size])
        assert said == ["first", "", "second"]
