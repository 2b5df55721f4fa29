"""Running a study: new, resumed, extended or retried; and what else can be done to one by its
name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from study.controller.warm_start import warmed_events
from study.errors import StudyExists, StudyNotFound, UserError
from study.execution import requests
from study.execution.driver import Ended, Options, drive, opened, resolved
from study.execution.ray_runtime import Connection, check_answers
from study.execution.resources import check_data, check_modules, machine_room
from study.files.layout import StudyPaths, checked_name, studies_in
from study.files.lock import acquire_lock, lock_holder
from study.files.storage import StorageLike
from study.files.storage_uri import storage_path
from study.journal.log_storage import log_at
from study.journal.spec_versions import stored_file
from study.spec.load import load_spec
from study.spec.spec import StudySpec

_DEFAULT_STORAGE = "studies"


def run(
    source: str | Path | StudySpec,
    *,
    storage: StorageLike = _DEFAULT_STORAGE,
    name: str | None = None,
    sets: Sequence[str] = (),
    points: int | None = None,
    **session: Any,
) -> Ended:
    """Run a study file, a shipped study by name, or a spec, to its end and into its tables.

    A study that exists with the same spec is resumed. ``session`` has the fields of
    ``study.execution.driver.Options``.
    """
    options = Options(**session)
    if isinstance(source, StudySpec):
        spec = replace(source, study=checked_name(name)) if name else source
    else:
        spec = load_spec(source, sets=sets, name=name, points=points)
    paths = StudyPaths(storage_path(storage), spec.study)
    if is_there(paths):
        check_same(spec, paths)
    else:
        if options.address is None:
            spec = resolved(spec, [machine_room(spec)], "this machine")
            check_modules(spec)
            check_data(spec, options.data_dir)
        else:
            check_answers(options.address)
        warmed_events(
            spec, paths.storage
        )  # a study that can't be found is a mistake to tell before a folder is made
        paths.folder.make_folder()
        paths.spec.write_whole(spec.with_recorded_defaults().yaml())
    return drive(paths, options)


def resume(
    name: str,
    *,
    storage: StorageLike = _DEFAULT_STORAGE,
    sets: Sequence[str] = (),
    points: int | None = None,
    replicates: int | None = None,
    **session: Any,
) -> Ended:
    """Go on with a study from its folder, extended where ``sets``, ``points`` or ``replicates`` ask
    for more.

    ``session`` has the fields of ``study.execution.driver.Options``.
    """
    options = Options(**session)
    paths = existing(name, storage)
    if replicates is not None:
        sets = [*sets, f"replicates={replicates}"]
    if not sets and points is None:
        return drive(paths, options)
    return drive(paths, options, extended=load_spec(stored_file(paths), sets=sets, points=points))


def retry(
    name: str,
    trials: Sequence[int] | None = None,
    *,
    storage: StorageLike = _DEFAULT_STORAGE,
    **session: Any,
) -> Ended:
    """Run failed trials again as new attempts: those named, or all (None)."""
    return drive(existing(name, storage), Options(**session), retried=trials, retries=True)


def leave(
    name: str, request: Mapping[str, Any], *, storage: StorageLike = _DEFAULT_STORAGE
) -> bool:
    """Hand a request to the study's driver, or carry it out here where none is running; whether
    there is a driver.
    """
    paths = existing(name, storage)
    if lock_holder(paths.lock):
        requests.post(paths, request)
        return True
    lock = acquire_lock(paths.lock)
    try:
        with Connection(None, []) as idle, opened(paths, Options(), idle) as (_, controller):
            if request["do"] == "stop_trial" and not controller.stop_trial(request["trial"]):
                raise UserError(f"trial {request['trial']} of {name} is not there or has ended")
            if request["do"] == "add":
                controller.add_point(request["values"])
    finally:
        lock.release()
    return False


def is_there(paths: StudyPaths) -> bool:
    """Whether there is a study, be its readable spec lost."""
    return paths.spec.exists() or paths.journal.exists()


def existing(name: str, storage: StorageLike) -> StudyPaths:
    """The paths of a study that is there; StudyNotFound with the nearest name elsewhere."""
    from search_spaces.validation import closest_match

    root = storage_path(storage)
    paths = StudyPaths(root, name)
    if is_there(paths):
        return paths
    others = [other.name for other in studies_in(root)]
    guess = closest_match(name, others)
    hint = (
        f" (did you mean {guess}?)"
        if guess
        else f"; there are: {', '.join(others)}"
        if others
        else ""
    )
    raise StudyNotFound(f"no study {name} in {root}{hint}")


def remove(name: str, *, storage: StorageLike = _DEFAULT_STORAGE) -> None:
    """Delete a study's folder for good; refused while it is being driven."""
    paths = existing(name, storage)
    acquire_lock(paths.lock).release()
    # spec and journal go first: what is left of an interrupted removal is no study
    paths.spec.unlink(missing_ok=True)
    log_at(paths.journal).remove()
    paths.folder.remove_tree()


def check_same(spec: StudySpec, paths: StudyPaths) -> None:
    """StudyExists, with what differs, unless the study in the folder has this spec."""
    stored = load_spec(stored_file(paths))
    if not spec.concurrency:
        spec = replace(spec, concurrency=stored.concurrency)
    differences = stored.differences(spec)
    if differences:
        lines = "\n".join(f"  {line}" for line in differences)
        raise StudyExists(
            f"study {paths.name} exists in {paths.storage} and differs from this one:\n{lines}\nGo"
            f" on with it as it is: study resume {paths.name}. Run this one beside it: --name"
            " ANOTHER."
        )
