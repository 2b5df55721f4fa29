"""Whether a study's journal holds all that its folder shows: a journal that was cut back is never
taken for whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from study.errors import StateLost
from study.files.layout import StudyPaths
from study.files.storage import StoragePath
from study.journal.history import History
from study.journal.trials import Trial

_CHECKPOINT = re.compile(r"checkpoints/attempt-(\d+)-epoch-(\d+)\.ckpt")
_STDERR = re.compile(r"stderr\.(\d+)\.txt")
_TRIAL = re.compile(r"(\d+)\.(\d+)")


def check_nothing_lost(paths: StudyPaths, history: History, journal_bytes: int) -> None:
    """StateLost where a checkpoint, an attempt or a table knows of more than the journal does."""
    found = list(_signs_of_loss(paths, history, journal_bytes))
    if found:
        lines = "\n".join(f"  {sign}" for sign in found[:10])
        raise StateLost(
            f"the journal of {paths.name} has lost records:\n{lines}\n"
            f"Restore {paths.journal} from a copy, or go on without what is lost: "
            f"study resume {paths.name} --accept-loss"
        )


def _signs_of_loss(paths: StudyPaths, history: History, journal_bytes: int) -> Iterator[str]:
    yield from _tables_ahead(paths, journal_bytes)
    trials = {(trial.point, trial.replicate): trial for trial in history.trials}
    names = defaultdict(list)
    for folder, *inner in paths.trials.files_below():
        names[folder].append("/".join(inner))
    for folder in sorted(names):
        match = _TRIAL.fullmatch(folder)
        if match:
            trial = trials.get((int(match[1]), int(match[2])))
            yield from _trial_ahead(paths.trials / folder, names[folder], trial)


def _tables_ahead(paths: StudyPaths, journal_bytes: int) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with paths.trials_table.open_binary() as file:
            metadata = pq.read_metadata(file).metadata or {}
        collected = int(metadata.get(b"journal_bytes", b"0"))
    except (OSError, pa.ArrowInvalid, ValueError):
        return  # tables are derived: a missing or broken one is written anew
    if collected > journal_bytes:
        yield (
            f"{paths.trials_table} was made from {collected} bytes of journal, and there are"
            f" {journal_bytes}"
        )


def _trial_ahead(folder: StoragePath, names: list[str], trial: Trial | None) -> Iterator[str]:
    if trial is None:
        yield f"{folder} belongs to a trial that the journal doesn't know"
        return
    checkpoints = [
        (int(match[1]), int(match[2])) for name in names if (match := _CHECKPOINT.fullmatch(name))
    ]
    stderr = [int(match[1]) for name in names if (match := _STDERR.fullmatch(name))]
    newest = max([*stderr, *(attempt for attempt, _ in checkpoints)], default=0)
    if newest > len(trial.attempts):
        yield f"{folder} shows attempt {newest}, and the journal {len(trial.attempts)}"
    # a checkpoint is durable before its epoch is reported, and a trial that was stopped, or lost
    # its node, has run on
    epochs = [epoch for attempt, epoch in checkpoints if attempt == len(trial.attempts)]
    if epochs and trial.stopped_at is None and max(epochs) > trial.epochs + 1:
        yield (
            f"{folder} has a checkpoint of epoch {max(epochs)}, and the journal {trial.epochs}"
            " epochs"
        )
