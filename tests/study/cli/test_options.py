"""What the commands share: formats that are refused, paths and options as they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.cli.options import check_format, short_path
from study.errors import UserError
from study.files.local_storage import LocalPath


def test_a_format_that_is_not_there_is_refused_with_the_nearest_one() -> None:
    check_format("json", ("table", "json"))
    with pytest.raises(
        UserError, match=r"must be one of table \| json; found 'jsn' .did you mean json"
    ):
        check_format("jsn", ("table", "json"))


def test_paths_below_the_current_folder_are_shown_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    below = tmp_path / "studies" / "tiny"
    assert str(short_path(below)) == "studies/tiny"
    assert str(short_path(LocalPath(below))) == "studies/tiny"
    assert str(short_path(Path("/elsewhere"))) == "/elsewhere"
