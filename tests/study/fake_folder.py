"""Studies of the fake cluster in folders of their own, for whoever looks at studies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from study.controller.controller import Controller
from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.run import RunOptions
from study.files.atomic import make_folder, write_whole
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.journal import Journal
from study.journal.spec_versions import open_journal
from study.spec.spec import StudySpec

from .fake_cluster import Storage, controller_on, drive

ROUNDED = 2


def rounded(curve: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The curve with so few digits that some trials are equal."""

    def reported(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        row = curve(recipe, epoch)
        return {name: round(value, ROUNDED) for name, value in row.items()}

    return reported


def run_into(folder: Path, spec: StudySpec, **options: Any) -> tuple[StudyPaths, Controller]:
    """Run a study on the fake cluster, write its folder, and give that and what ran it.

    ``seeds`` is how seeds count; other options are those of ``drive``.
    """
    storage = Storage()
    seeds = options.pop("seeds", "whole")
    controller = controller_on(storage, spec, seeds=seeds)
    drive(controller, **options)
    return write_folder(folder, spec, storage), controller


def finish_in(folder: Path, spec: StudySpec) -> tuple[StudyPaths, Controller]:
    """Run a study on the fake cluster in a folder that was begun as drivers begin one."""
    paths = StudyPaths(LocalPath(folder), spec.study)
    make_folder(paths.folder)
    write_whole(paths.spec, spec.yaml())
    with RayConnection(None) as idle, open_study(paths, RunOptions(), idle):
        pass
    storage = Storage()
    controller = controller_on(storage, spec)
    drive(controller)
    journal = open_journal(paths)
    for event in storage.events[1:]:  # the folder has its own record of being created
        journal.append(event)
    journal.close()
    return paths, controller


def write_folder(folder: Path, spec: StudySpec, storage: Storage) -> StudyPaths:
    """Write a study's file and its journal, and give their places."""
    paths = StudyPaths(LocalPath(folder), spec.study)
    make_folder(paths.folder)
    write_whole(paths.spec, spec.yaml())
    journal = Journal.create(paths.journal)
    journal.append(*storage.events)
    journal.close()
    return paths
