"""Studies from Python: run, resume, change, look, take home.

>>> import study
>>> done = study.run("quickstart")
>>> done.best
>>> done.results.points

Everything that goes wrong raises an error of ``study.errors``, with the words that the command line
prints.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.errors import UserError
from study.execution import changes, lifecycle
from study.execution.lifecycle import StudySource
from study.execution.run import ProgressDisplay, RunResult
from study.files.layout import existing
from study.files.storage import StorageLike
from study.files.storage_uri import storage_path
from study.integrations.python.progress import display_for
from study.integrations.python.shown import StudyRun, StudyStatus, StudyStatuses

if TYPE_CHECKING:
    from analysis.rendering import Table
    from study.inspection.decisions.explain.explain import Explanation
    from study.inspection.export_trial import ExportedTrial
    from study.inspection.preview import Preview

_STORAGE = "studies"

Sets = Mapping[str, Any] | Sequence[str]
"""Keys of a study file and their values: ``{"recipe.epochs": 2}`` or ``["recipe.epochs=2"]``."""
Pruner = str | Mapping[str, Any]
"""A pruner as a study file has it: its name, or with options."""
Progress = bool | ProgressDisplay
"""Whether progress is shown: live in a terminal and in a notebook, elsewhere as lines."""


def run(
    source: StudySource,
    *,
    storage: StorageLike = _STORAGE,
    name: str | None = None,
    sets: Sets = (),
    points: int | None = None,
    progress: Progress = True,
    data_dir: str | None = None,
    address: str | None = None,
    keep_going: bool = False,
    wait_for_nodes: bool = False,
    accept_change: bool = False,
    trust: bool = False,
) -> StudyRun:
    """Run a study to its end, and return what it came to; one that exists with the same file is
    resumed.

    Args:
        source: A study file's path, a shipped study's name, a dictionary like a study file's
            content, or a spec.
        storage: What holds the studies: a folder, or ``s3://BUCKET/PREFIX`` (``gs``, ``az``).
        name: Another name for the study.
        sets: Keys of the study file and the values that they get.
        points: How many points the study may propose.
        progress: Whether it is shown how far the study is.
        data_dir: Where the images lie; ``./data`` by default.
        address: A Ray cluster to run on; a Ray of the study's own on this machine without it.
        keep_going: Don't stop when the same failure repeats.
        wait_for_nodes: Ask the cluster for room, and wait for it: it will grow.
        accept_change: Go on though the code of its own training has changed.
        trust: Run the code that a study file in a study's own folder names.

    Raises:
        SpecError: The study has faults, all of which it names.
        StudyExists: There is a study of this name with another file.
        UserError: Something else has to be mended first.
        OutsideFault: A fault beside the trials ended it; its message says how to go on.
    """
    done = lifecycle.run(
        source,
        storage=storage,
        name=name,
        sets=_texts(sets),
        points=points,
        display=display_for(progress),
        data_dir=data_dir,
        address=address,
        keep_going=keep_going,
        wait_for_nodes=wait_for_nodes,
        accept_change=accept_change,
        trust=trust,
    )
    return _shown(done)


def resume(
    name: str,
    *,
    storage: StorageLike = _STORAGE,
    points: int | None = None,
    replicates: int | None = None,
    sets: Sets = (),
    progress: Progress = True,
    data_dir: str | None = None,
    address: str | None = None,
    keep_going: bool = False,
    accept_loss: bool = False,
    wait_for_nodes: bool = False,
    accept_change: bool = False,
    trust: bool = False,
) -> StudyRun:
    """Go on with a study that was interrupted, or extend one: ``points`` and ``replicates`` are new
    totals, ``sets`` more epochs or a wider space.

    Raises UserError where the extension contradicts what has been done.
    """
    done = lifecycle.resume(
        name,
        storage=storage,
        points=points,
        replicates=replicates,
        sets=_texts(sets),
        display=display_for(progress),
        data_dir=data_dir,
        address=address,
        keep_going=keep_going,
        accept_loss=accept_loss,
        wait_for_nodes=wait_for_nodes,
        accept_change=accept_change,
        trust=trust,
    )
    return _shown(done)


def retry(
    name: str,
    trials: Sequence[int] | None = None,
    *,
    storage: StorageLike = _STORAGE,
    progress: Progress = True,
    data_dir: str | None = None,
    address: str | None = None,
    keep_going: bool = False,
    wait_for_nodes: bool = False,
    accept_change: bool = False,
    trust: bool = False,
) -> StudyRun:
    """Run failed trials again as new attempts: those named, or all of them."""
    done = lifecycle.retry(
        name,
        trials,
        storage=storage,
        display=display_for(progress),
        data_dir=data_dir,
        address=address,
        keep_going=keep_going,
        wait_for_nodes=wait_for_nodes,
        accept_change=accept_change,
        trust=trust,
    )
    return _shown(done)


def add(
    name: str, values: Sets, *, storage: StorageLike = _STORAGE, trust: bool = False
) -> dict[str, Any]:
    """Put a point of your own next in a study, and return its values, those of the recipe included
    that the study varies.

    A driver that runs takes it up; where none does, ``resume`` runs it.
    """
    from study.journal.spec_versions import stored_spec_file
    from study.spec.load import added_values, load_spec

    texts = _texts(values)
    if not texts:
        raise UserError("say what the point is: {'optimizer.lr': 0.1}")
    spec = load_spec(stored_spec_file(existing(name, storage)))
    point, _ = added_values(spec, texts)
    _post(name, {"do": "add", "values": point}, storage, trust)
    return point


def drop(name: str, point: int, *, storage: StorageLike = _STORAGE, trust: bool = False) -> None:
    """Take a bad point out: tables, the best and the sampler go on without it."""
    changes.check_droppable(name, point, storage=storage)
    _post(name, {"do": "drop", "point": point}, storage, trust)


def share(name: str, weight: float, *, storage: StorageLike = _STORAGE) -> None:
    """Change a study's part of a cluster that it shares with others, also while it runs."""
    changes.share(name, weight, storage=storage)


def stop(
    name: str,
    *,
    trial: int | None = None,
    storage: StorageLike = _STORAGE,
    trust: bool = False,
) -> None:
    """Stop a running study so that it can be resumed, or end one of its trials.

    Raises UserError where the study isn't running, or there is no such trial that has not ended.
    """
    if trial is not None:
        _post(name, {"do": "stop_trial", "trial": trial}, storage, trust)
    elif not _post(name, {"do": "stop"}, storage, trust):
        raise UserError(f"study {name} is not running")


def _post(name: str, request: Mapping[str, Any], storage: StorageLike, trust: bool) -> bool:
    return lifecycle.post_request(name, request, storage=storage, trusted=trust)


def status(
    name: str | None = None, *, storage: StorageLike = _STORAGE
) -> StudyStatus | StudyStatuses:
    """Say how far a study is, from its storage alone; without a name, of all that are there."""
    from study.inspection.status import overview, status_of

    if name is not None:
        return StudyStatus(status_of(existing(name, storage)))
    return StudyStatuses(StudyStatus(one) for one in overview(storage_path(storage)))


def preview(
    source: StudySource,
    *,
    name: str | None = None,
    sets: Sets = (),
    points: int | None = None,
    samples: int = 10,
    measure: bool = False,
    data_dir: str | None = None,
    storage: StorageLike = _STORAGE,
    trust: bool = False,
) -> Preview:
    """Show what a study would do: its space, its first points, totals, and whether it fits.

    ``measure`` trains a few steps of each shape, with the images in ``data_dir``.
    """
    from study.execution.user.trust import check_file_trusted
    from study.inspection.preview import preview_of

    spec = lifecycle.spec_of(source, sets=_texts(sets), name=name, points=points)
    if measure and isinstance(source, str | Path):
        check_file_trusted(source, spec, trust)
    return preview_of(spec, samples, measure=measure, data_dir=data_dir, storage=str(storage))


def explain(
    name: str,
    *,
    trial: int | None = None,
    point: int | None = None,
    storage: StorageLike = _STORAGE,
) -> Explanation:
    """Explain why a trial was stopped or how it ended, or how a point came to be proposed."""
    from study.inspection.decisions.explain.explain import Explanations

    if (trial is None) == (point is None):
        raise UserError("explain needs either trial=N or point=N")
    explanations = Explanations(existing(name, storage))
    return explanations.of_trial(trial) if trial is not None else explanations.of_point(point or 0)


def replay(
    name: str, pruners: Pruner | Sequence[Pruner], *, storage: StorageLike = _STORAGE
) -> Table:
    """Return what the same points would have cost and found under other pruners; the study's own
    is the first row.
    """
    from analysis.tables.replays import replays_table
    from study.inspection.decisions.replay.replay import replay as outcomes_of

    several = [pruners] if isinstance(pruners, str | Mapping) else pruners
    texts = [each if isinstance(each, str) else json.dumps(dict(each)) for each in several]
    outcomes = outcomes_of(existing(name, storage), texts)
    return replays_table([outcome.tree() for outcome in outcomes])


def export(
    name: str,
    to: str | Path,
    *,
    trial: int | str = "best",
    onnx: bool = False,
    storage: StorageLike = _STORAGE,
    trust: bool = False,
) -> ExportedTrial:
    """Write a trial to a folder that runs without this project: its network, weights and recipe,
    and with ``onnx`` an ONNX file.
    """
    from study.inspection.export_trial import export_trial

    paths = existing(name, storage)
    return export_trial(paths, str(trial), Path(to), onnx=onnx, trusted=trust)


def _texts(sets: Sets) -> list[str]:
    """Return keys and values as the ``path=value`` texts of the command line."""
    if isinstance(sets, Mapping):
        return [f"{path}={json.dumps(value)}" for path, value in sets.items()]
    if isinstance(sets, str):
        raise UserError(f"sets must be a dictionary or a list of 'path=value'; found {sets!r}")
    return list(sets)


def _shown(done: RunResult) -> StudyRun:
    return StudyRun(done.paths, done.history, done.reason, done.gpus)
