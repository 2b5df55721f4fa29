"""A folder from a stranger leads to no file of one's own: nothing of it is opened."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import analysis
from analysis.sql import query_sql
from study.errors import UserError
from study.execution.driver import drive
from study.execution.lifecycle import post_request, remove, resume, retry, run
from study.execution.run import RunOptions
from study.files.layout import StudyPaths, existing
from study.files.local_storage import LocalPath
from study.inspection.status import overview
from study.spec.load import load_spec

from .fake_cluster import small_spec

LINKS = {
    "journal/lock": "thesis.tex",
    "journal/events.jsonl": "thesis.tex",
    "journal/requests": "mine",
    "journal": "mine",
    "trials/00000.0": "mine",
    "trials/00000.0/checkpoints/attempt-0001-epoch-000006.ckpt": "thesis.tex",
    "results": "mine",
    "study.yaml": "thesis.tex",
    "notes/today": "nowhere",
}
"""What a stranger makes a link of, and which file or folder of one's own it leads to."""


@pytest.fixture
def paths(finished: StudyPaths, tmp_path: Path) -> StudyPaths:
    """A copy of a finished study, in a storage beside which lie files of one's own."""
    shutil.copytree(finished.folder, tmp_path / "studies" / "fake")
    shutil.copytree(finished.folder, tmp_path / "studies" / "sound")
    (tmp_path / "thesis.tex").write_text("\\documentclass{article}\n")
    for folder in ("mine", "mine/checkpoints"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.json").write_text('{"do": "stop"}')
    return StudyPaths(LocalPath(tmp_path / "studies"), "fake")


def files_of_ones_own(folder: Path) -> dict[str, bytes]:
    own = [folder / "thesis.tex", *(folder / "mine").rglob("*")]
    return {str(path): path.read_bytes() for path in own if path.is_file()}


WAYS_IN: dict[str, Callable[[StudyPaths], object]] = {
    "existing": lambda paths: existing("fake", paths.storage),
    "load": lambda paths: analysis.load("fake", storage=paths.storage),
    "load by path": lambda paths: analysis.load(paths.folder),
    "query": lambda paths: query_sql("select * from points", None, storage=paths.storage),
    "run": lambda paths: run(small_spec(points=6), storage=paths.storage),
    "drive": lambda paths: drive(paths, RunOptions()),
    "resume": lambda paths: resume("fake", storage=paths.storage),
    "retry": lambda paths: retry("fake", storage=paths.storage),
    "remove": lambda paths: remove("fake", storage=paths.storage),
    "add": lambda paths: post_request("fake", {"do": "add"}, storage=paths.storage),
    "start from": lambda paths: run(
        small_spec(study="warm", concurrency=1, warm_start=["fake"]), storage=paths.storage
    ),
}


def check_refused(paths: StudyPaths, kind: str, *, but_for: str = "") -> None:
    """Whatever is asked of the study is refused, and the studies beside it are seen."""
    for what in WAYS_IN.keys() - {but_for}:
        with pytest.raises(UserError, match=kind) as caught:
            WAYS_IN[what](paths)
        assert len(str(caught.value).splitlines()) == 1, what
    strange, sound = overview(paths.storage)
    assert kind in strange["state"]
    assert sound["points"] == 6


@pytest.mark.parametrize("where", LINKS)
def test_a_link_in_a_study_is_not_followed(paths: StudyPaths, tmp_path: Path, where: str) -> None:
    link = Path(str(paths.folder / where))
    LocalPath(link).remove_tree()
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(tmp_path / LINKS[where])
    before = files_of_ones_own(tmp_path)
    if where == "study.yaml":
        with pytest.raises(UserError):
            load_spec(paths.spec)
    check_refused(paths, "is a symbolic link")
    assert files_of_ones_own(tmp_path) == before


def test_a_study_that_is_a_link_is_not_followed(paths: StudyPaths, tmp_path: Path) -> None:
    Path(str(paths.folder)).rename(tmp_path / "elsewhere")
    Path(str(paths.folder)).symlink_to(tmp_path / "elsewhere")
    check_refused(paths, "is a symbolic link", but_for="load by path")
    assert len(analysis.load(paths.folder).points) == 6, "whoever writes a path means it"


def test_a_storage_that_is_a_link_is_followed(paths: StudyPaths, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "studies")
    assert existing("fake", str(tmp_path / "link")).spec.exists()
    assert len(analysis.load("fake", storage=tmp_path / "link").points) == 6


@pytest.mark.timeout(60)
@pytest.mark.parametrize("where", ["journal/events.jsonl", "journal/lock", "extra"])
def test_a_pipe_is_not_waited_for(paths: StudyPaths, where: str) -> None:
    pipe = paths.folder / where
    pipe.remove_tree()
    os.mkfifo(str(pipe))
    check_refused(paths, "is a named pipe")


def test_a_socket_is_refused(paths: StudyPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(paths.folder))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        check_refused(paths, "is a socket")


def test_looking_at_a_study_leaves_it_as_it_was(paths: StudyPaths) -> None:
    """So a study on a storage that is read-only can be looked at."""
    (paths.folder / "journal" / "lock").remove_tree()
    (paths.folder / "results").remove_tree()
    before = paths.storage.version_below()
    overview(paths.storage)
    results = analysis.load("fake", storage=paths.storage)
    assert len(results.trials) > 0
    results.table().text()
    assert paths.storage.version_below() == before
