"""All studies of all storages, read once and kept up to date."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.errors import StudyNotFound
from study.page.readings import library as module
from study.page.readings.followed_study import FollowedStudy
from study.page.readings.library import Library
from study.page.readings.rows import row_of
from study.page.readings.storages import labeled_storages

from ....analysis.conftest import Maker, adam
from ...command import wait_for
from ...fake_cluster import small_spec
from ...fake_folder import run_into
from ..live.watching import watching
from ..served import serving, settings_of

PATIENCE_S = 600.0


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    found = Library(labeled_storages([str(tmp_path / "lab")]), row_of)
    yield found
    found.close()


def row(library: Library, name: str) -> dict[str, Any]:
    rows = library.overview(PATIENCE_S).rows
    return next(row for row in rows if row["study"] == name)


def test_the_overview_follows_what_is_recorded(library: Library, tmp_path: Path) -> None:
    assert library.overview(PATIENCE_S).rows == []
    study = Maker(tmp_path / "lab", name="one")
    assert row(library, "one")["points"] == 0
    study.complete_point(adam(1e-3), [0.90, 0.92])
    found = row(library, "one")
    assert (found["points"], found["states"], found["trials"]) == (1, {"COMPLETE": 1}, 2)
    assert found["best"] == pytest.approx(0.91)
    assert found["best_low"] < 0.91 < found["best_high"]
    study.close()
    assert row(library, "one")["state"] == "complete"


def test_what_was_read_is_read_no_more(library: Library, tmp_path: Path, monkeypatch: Any) -> None:
    Maker(tmp_path / "lab", name="one").complete_point(adam(1e-3), [0.90, 0.92])
    first = library.overview(PATIENCE_S).rows
    monkeypatch.setattr(library, "_row_of", None)  # which would be called to say it anew
    assert library.overview(PATIENCE_S).rows == first


def test_what_a_driver_left_of_a_study_stands_for_its_journal(
    library: Library, tmp_path: Path, monkeypatch: Any
) -> None:
    study = Maker(tmp_path / "lab", name="one")
    study.complete_point(adam(1e-3), [0.90, 0.92])
    study.close()
    expected = library.overview(PATIENCE_S).rows
    study.summarize()
    fresh = Library(library.storages, None)  # type: ignore[arg-type]
    assert fresh.overview(PATIENCE_S).rows == expected
    study.open(session=2)
    monkeypatch.setattr(fresh, "_row_of", row_of)
    assert fresh.overview(PATIENCE_S).rows[0]["state"] == "interrupted"
    fresh.close()


def test_nobody_waits_for_what_is_read_for_the_first_time(library: Library, tmp_path: Path) -> None:
    Maker(tmp_path / "lab", name="one")
    found = library.overview(0.0)
    assert [row["study"] for row in found.rows] == ["one"]
    assert found.unread in (0, 1)
    assert row(library, "one")["state"] == "interrupted"


def test_a_damaged_study_says_so_and_the_others_stand(library: Library, tmp_path: Path) -> None:
    Maker(tmp_path / "lab", name="good")
    bad = Maker(tmp_path / "lab", name="bad")
    bad.complete_point(adam(1e-3), [0.9])
    content = bad.paths.journal.read_bytes()
    bad.paths.journal.write_bytes(content.replace(b'"point":0', b'"point":7', 1))
    assert row(library, "bad")["state"].startswith("damaged: ")
    assert row(library, "good")["state"] == "interrupted"


def test_a_study_named_like_data_is_not_on_the_page(library: Library, tmp_path: Path) -> None:
    Maker(tmp_path / "lab", name="one.json")
    assert library.overview(PATIENCE_S).rows == []
    with pytest.raises(StudyNotFound):
        library.study("lab", "one.json")


def test_a_storage_that_vanishes_and_returns(library: Library, tmp_path: Path) -> None:
    Maker(tmp_path / "lab", name="one")
    assert row(library, "one")["points"] == 0
    (tmp_path / "lab").rename(tmp_path / "away")
    assert library.overview(PATIENCE_S).rows == []
    with pytest.raises(StudyNotFound):
        library.study("lab", "two")
    (tmp_path / "away").rename(tmp_path / "lab")
    assert row(library, "one")["points"] == 0
    assert library.study("lab", "one").name == "one"


def test_no_more_is_kept_than_there_is_room_for(
    library: Library, tmp_path: Path, monkeypatch: Any
) -> None:
    for number in range(6):
        Maker(tmp_path / "lab", name=f"s{number}").complete_point(adam(1e-3), [0.9])
    size = Maker(tmp_path / "lab", name="size").paths.journal.stat().st_size
    monkeypatch.setattr(module, "_MOST_JOURNAL_BYTES", 8 * size)
    assert len(library.overview(PATIENCE_S).rows) == 7
    kept = [study.history.journal_bytes for study in library._followed.values()]
    assert sum(kept) <= 8 * size
    assert [row["trials"] for row in library.overview(PATIENCE_S).rows][:6] == [1] * 6


def test_studies_for_which_there_is_no_room_are_forgotten_whatever_was_shown_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST_JOURNAL_BYTES", 1)
    followed: list[weakref.ref[FollowedStudy]] = []
    made = FollowedStudy.__init__

    def noted(study: FollowedStudy, *args: Any) -> None:
        made(study, *args)
        followed.append(weakref.ref(study))

    monkeypatch.setattr(FollowedStudy, "__init__", noted)
    names = [f"s{number}" for number in range(3)]
    for name in names:
        run_into(tmp_path / "lab", small_spec(points=8, study=name))
    with serving(settings_of(tmp_path / "lab")) as served:
        for name in names:
            data = served.data(f"/s/lab/{name}.json")
            assert data["trials"] == 8
            stopped = data["tables"]["stops"]["rows"][0]["trial"]
            assert served.data(f"/s/lab/{name}/t/{stopped}.json")["end"]["kind"] == "stop"
            with watching(served, f"/s/lab/{name}/events") as watcher:
                watcher.until("now")
        assert len(followed) >= len(names)

        def is_forgotten() -> bool:  # once what is being made of them is made
            gc.collect()
            return sum(study() is not None for study in followed) <= 1

        wait_for(is_forgotten, "all but the one looked at last to be forgotten")
