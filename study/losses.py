"""Whether a study's journal holds all that its folder shows: a journal that was cut back is never taken for whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from study.errors import StateLost
from study.paths import StudyPaths
from study.records import History, Trial

CHECKPOINT = re.compile(r"epoch-(\d+)\.ckpt")
STDERR = re.compile(r"stderr\.(\d+)\.txt")
TRIAL = re.compile(r"(\d+)\.(\d+)")


def check_nothing_lost(paths: StudyPaths, history: History, journal_bytes: int) -> None:
    """StateLost where a checkpoint, an attempt or a table knows of more than the journal does."""
    found = list(signs_of_loss(paths, history, journal_bytes))
    if found:
        lines = "\n".join(f"  {sign}" for sign in found[:10])
        raise StateLost(
            f"the journal of {paths.name} has lost records:\n{lines}\n"
            f"Restore {paths.journal} from a copy, or go on without what is lost: "
            f"study resume {paths.name} --accept-loss"
        )


def signs_of_loss(paths: StudyPaths, history: History, journal_bytes: int) -> Iterator[str]:
    yield from _tables_ahead(paths, journal_bytes)
    trials = {(trial.point, trial.replicate): trial for trial in history.trials}
    for folder in sorted(paths.trials.iterdir()) if paths.trials.is_dir() else []:
        match = TRIAL.fullmatch(folder.name)
        if match:
            yield from _trial_ahead(folder, trials.get((int(match[1]), int(match[2]))))


def _tables_ahead(paths: StudyPaths, journal_bytes: int) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_metadata(paths.trials_table).metadata or {}
        collected = int(metadata.get(b"journal_bytes", b"0"))
    except (OSError, pa.ArrowInvalid, ValueError):
        return  # tables are derived: a missing or broken one is written anew
    if collected > journal_bytes:
        yield f"{paths.trials_table} was made from {collected} bytes of journal, and there are {journal_bytes}"


def _trial_ahead(folder: Path, trial: Trial | None) -> Iterator[str]:
    if trial is None:
        yield f"{folder} belongs to a trial that the journal doesn't know"
        return
    attempts = [int(match[1]) for path in folder.iterdir() if (match := STDERR.fullmatch(path.name))]
    if attempts and max(attempts) > len(trial.attempts):
        yield f"{folder} shows attempt {max(attempts)}, and the journal {len(trial.attempts)}"
    epochs = [int(match[1]) for path in folder.glob("checkpoints/*") if (match := CHECKPOINT.fullmatch(path.name))]
    # a checkpoint is durable before its epoch is reported, and a trial that was stopped has run on
    if epochs and trial.stopped_at is None and max(epochs) > trial.epochs + 1:
        yield f"{folder} has a checkpoint of epoch {max(epochs)}, and the journal {trial.epochs} epochs"
