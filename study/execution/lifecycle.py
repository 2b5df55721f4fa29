"""What can be done with a study by its name: run, resume, retry, ask its driver, remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from study.controller.controller import Controller
from study.controller.warm_start import warm_starts
from study.errors import StudyLocked, Superseded, UserError
from study.execution.driver import drive, store_errors_as_faults
from study.execution.on_ray.ray_runtime import RayConnection, check_answers
from study.execution.open_study import open_study, resolve_concurrency
from study.execution.own_code.look import look_at_code
from study.execution.resources import check_data, check_modules, file_faults, machine_resources
from study.execution.run import RunOptions, RunResult
from study.execution.user import trust
from study.execution.user.notices.notices import notice_faults
from study.execution.user.prices import price_faults
from study.files import requests
from study.files.layout import StudyPaths, check_study_name, existing, is_there
from study.files.lock import acquire_lock, lock_holder
from study.files.storage import StorageLike, StoragePath
from study.files.storage_uri import storage_path
from study.journal.extension import check_extension
from study.journal.log.log_storage import log_at
from study.journal.replay import read_history
from study.journal.spec_versions import check_same, extended, stored_spec_file
from study.journal.spec_versions import extend as extend_spec
from study.spec.checks.repeat_checks import repeat_faults
from study.spec.load import load_spec, refuse, spec_from_tree
from study.spec.spec import StudySpec

_DEFAULT_STORAGE = "studies"

StudySource = str | Path | Mapping[str, Any] | StudySpec
"""A study file's path, a shipped study's name, plain data like a study file's, or a spec."""


def run(
    source: StudySource,
    *,
    storage: StorageLike = _DEFAULT_STORAGE,
    name: str | None = None,
    sets: Sequence[str] = (),
    points: int | None = None,
    **options: Any,
) -> RunResult:
    """Run a study to its end and into its tables: a study file, a shipped study by its name, plain
    data like a study file's, or a spec.

    A study that exists with the same spec is resumed. Code that the file names is trusted, unless
    the file lies in a study's own folder, which somebody may have handed over. ``options`` are the
    fields of ``study.execution.run.RunOptions``.

    Raises StudyExists where the study exists with another spec, SpecError with all faults of a
    file, and what ``study.execution.driver.drive`` raises.
    """
    run_options = RunOptions(**options)
    if not isinstance(source, str | Path) or not trust.lies_in_a_study(source):
        run_options = replace(run_options, trust=True)
    spec = spec_of(source, sets=sets, name=name, points=points)
    paths = StudyPaths(storage_path(storage), spec.study)
    paths.check_plain()
    with store_errors_as_faults(paths):
        found = is_there(paths)
        if found:
            check_same(spec, paths)
    refuse(source, list(price_faults(spec, paths.storage)), sets=sets, name=name, points=points)
    if not found:
        may_import = run_options.imports and run_options.trust
        look = look_at_code(spec, imports=may_import, elsewhere=run_options.address is not None)
        refuse(
            source,
            [*repeat_faults(spec), *look.faults, *notice_faults(spec)],
            sets=sets,
            name=name,
            points=points,
        )
        for note in look.notes:
            run_options.display.say(f"note: {note}")
        spec = _checked_to_run(spec, paths, run_options)
        if run_options.address is None:
            wrong = file_faults(spec, run_options.data_dir, run_options.display)
            refuse(source, wrong, sets=sets, name=name, points=points)
    return drive(paths, run_options, begun=spec)


def spec_of(
    source: StudySource,
    *,
    sets: Sequence[str] = (),
    name: str | None = None,
    points: int | None = None,
) -> StudySpec:
    """Return the spec of what a user may call a study; see ``study.spec.load.load_spec``."""
    if isinstance(source, StudySpec):
        if not sets and points is None:
            return replace(source, study=check_study_name(name)) if name else source
        source = source.tree()
    if isinstance(source, Mapping):
        return spec_from_tree(source, sets=sets, name=name, points=points)
    return load_spec(source, sets=sets, name=name, points=points)


def _checked_to_run(spec: StudySpec, paths: StudyPaths, options: RunOptions) -> StudySpec:
    """Return the spec of a new study as it is to be run, once nothing speaks against that."""
    if options.address is None:
        spec = resolve_concurrency(spec, [machine_resources(spec)], "this machine")
        check_modules(spec)
        check_data(spec, options.data_dir)
    else:
        check_answers(options.address)
    warm_starts(spec, paths.storage)  # raises where an earlier study can't be found
    return spec


def resume(
    name: str,
    *,
    storage: StorageLike = _DEFAULT_STORAGE,
    sets: Sequence[str] = (),
    points: int | None = None,
    replicates: int | None = None,
    **options: Any,
) -> RunResult:
    """Go on with a study from its folder.

    ``sets``, ``points`` and ``replicates`` extend it. ``options`` are the fields of
    ``study.execution.run.RunOptions``.

    Raises UserError where what they ask for contradicts what has been done, and what
    ``study.execution.driver.drive`` raises.
    """
    run_options = RunOptions(**options, own_code=trust.names_written(sets))
    paths = _existing_to_drive(name, storage)
    if replicates is not None:
        sets = [*sets, f"replicates={replicates}"]
    if not sets and points is None:
        return drive(paths, run_options)
    file = stored_spec_file(paths)
    extension = load_spec(file, sets=sets, points=points)
    refuse(file, list(price_faults(extension, paths.storage)), sets=sets, points=points)
    return drive(paths, run_options, extension=extension)


def retry(
    name: str,
    trials: Sequence[int] | None = None,
    *,
    storage: StorageLike = _DEFAULT_STORAGE,
    **options: Any,
) -> RunResult:
    """Run failed trials again as new attempts: those named, or all where ``trials`` is None.

    Raises UserError where one of them has not failed.
    """
    run_options = RunOptions(**options)
    paths = _existing_to_drive(name, storage)
    if trials is None:
        return drive(paths, run_options, retry_all=True)
    return drive(paths, run_options, retried=trials)


def extend(
    name: str,
    *,
    storage: StorageLike = _DEFAULT_STORAGE,
    points: int | None = None,
    replicates: int | None = None,
) -> list[str]:
    """Have the driver of a running study go on to more points or seeds; return what changes.

    Raises UserError where nobody drives the study, nothing would change, there would be fewer
    points, or the new totals contradict what has been done.
    """
    paths = existing(name, storage)
    totals = {"points": points, "replicates": replicates}
    counts = {what: count for what, count in totals.items() if count is not None}
    words: list[str] = []
    for what, count in counts.items():
        words += [f"--{what}", str(count)]
    if not counts:
        raise UserError("say how far: --points NUMBER or --replicates NUMBER, the new totals")
    if not lock_holder(paths.lock):
        resume = paths.command("resume", *words)
        raise UserError(f"study {name} is not running: {resume} extends it")
    changes = growth(paths, counts)
    has = load_spec(stored_spec_file(paths)).points
    if counts.get("points", has) < has:
        raise UserError(
            f"--points must be at least {has} while {name} runs, as many as it has; found {points}:"
            f" stop it, and {paths.command('resume', *words)} takes fewer"
        )
    requests.post(paths, {"do": "extend", **counts})
    return changes


def growth(paths: StudyPaths, counts: Mapping[str, int]) -> list[str]:
    """Return what new totals change in a study: ``points: 40 -> 60``.

    Raises UserError where nothing would change, or they contradict what has been done.
    """
    history = read_history(paths.journal)
    old, new = extended(paths, history, {}), extended(paths, history, counts)
    changes = old.differences(new)
    if not changes:
        words = [f"--{what} {count}" for what, count in counts.items()]
        raise UserError(f"study {paths.name} has {' '.join(words)} already")
    check_extension(old, new, history)
    return changes


def post_request(
    name: str,
    request: Mapping[str, Any],
    *,
    storage: StorageLike = _DEFAULT_STORAGE,
    trusted: bool = False,
) -> bool:
    """Hand a request to the study's driver, or carry it out here where none is running.

    Requests are those of ``study.files.requests``. Returns whether there is a driver. Raises
    Untrusted where there is none and the study names code, unless ``trusted``.
    """
    paths = existing(name, storage)
    if not lock_holder(paths.lock):
        try:
            return not _carry_out_here(paths, request, None, trusted)
        except (StudyLocked, Superseded):
            if paths.lock.has_locks:
                raise
            # a driver has begun just now, and is asked
    posted = requests.post(paths, request)
    # a driver looks for requests once more after it has let the study go
    if lock_holder(paths.lock) or not posted.exists():
        return True
    try:
        return not _carry_out_here(paths, request, posted, trusted)
    except StudyLocked:
        return True  # a driver that sees the request


def _carry_out_here(
    paths: StudyPaths, request: Mapping[str, Any], posted: StoragePath | None, trusted: bool
) -> bool:
    """Carry a request out in this process, unless a driver has taken the one that was ``posted``;
    return whether that was done.
    """
    lock = acquire_lock(paths.lock, take_over=False)
    try:
        if posted is not None and not posted.exists():
            return False
        if request["do"] == "share":  # it takes no look at the study's code
            spec = load_spec(stored_spec_file(paths))
            extend_spec(paths, replace(spec, share=request["weight"]))
            return True
        with (
            RayConnection(None) as unused,
            open_study(paths, RunOptions(trust=trusted), unused) as controller,
        ):
            _carry_out(request, controller, paths.name, posted.name if posted else "")
        return True
    finally:
        try:
            if posted is not None:
                posted.unlink(missing_ok=True)
        finally:
            lock.release()


def _carry_out(request: Mapping[str, Any], controller: Controller, name: str, posted: str) -> None:
    """Do what is asked of a study that nobody drives; ``stop`` has been done then.

    ``posted`` is the name of the request's file, where there is one: what a driver did before it
    was killed isn't done again, and neither will the next one do again what is done here.
    """
    if posted in controller.history.answered_requests:
        return
    match request["do"]:
        case "stop_trial":
            if not controller.stop_trial(request["trial"]):
                raise UserError(f"trial {request['trial']} of {name} is not there or has ended")
        case "add":
            controller.add_point(request["values"], posted)
        case "drop":
            controller.drop_point(request["point"])


def _existing_to_drive(name: str, storage: StorageLike) -> StudyPaths:
    """The same for a driver, to which a store that refuses is a fault and no mistake."""
    with store_errors_as_faults(StudyPaths(storage_path(storage), name)):
        return existing(name, storage)


def remove(name: str, *, storage: StorageLike = _DEFAULT_STORAGE) -> None:
    """Delete a study's folder for good.

    Raises StudyLocked while it is being driven.
    """
    paths = existing(name, storage)
    lock = acquire_lock(paths.lock, take_over=False)
    try:
        # spec and journal go first: what is left of an interrupted removal is no study
        paths.spec.unlink(missing_ok=True)
        log_at(paths.journal).remove()
    finally:
        lock.release()
    paths.folder.remove_tree()
