"""Loader processes hand over what they made, however long the temporary folder's path is."""

from __future__ import annotations

from multiprocessing import connection, process
from pathlib import Path
from typing import Any

import pytest

from study.training.runtime.process_sockets import give_sockets_room


@pytest.mark.parametrize("name", ["x" * 100, "gone"])
def test_sockets_fit_where_the_temporary_folder_has_a_long_path_or_is_gone(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / name
    if name != "gone":
        folder.mkdir()
    current: Any = process.current_process()
    monkeypatch.setitem(current._config, "tempdir", str(folder))
    with pytest.raises(OSError, match=r"too long|No such file"):
        connection.Listener(family="AF_UNIX")
    give_sockets_room()
    connection.Listener(family="AF_UNIX").close()


def test_a_folder_with_room_stays_the_one_that_it_is() -> None:
    give_sockets_room()
    before = dict(process.current_process()._config)  # type: ignore[attr-defined]
    give_sockets_room()
    assert process.current_process()._config == before  # type: ignore[attr-defined]
