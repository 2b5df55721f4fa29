"""Whether a study's journal holds all that its folder shows.

A journal that was cut back, by a restored backup say, is never taken for whole: checkpoints,
attempts and tables that know of more than the journal are signs that it has lost records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from study.errors import StateLost
from study.files.layout import JOURNAL_BYTES_KEY, StudyPaths
from study.files.storage import StoragePath
from study.files.trial_files import (
    CHECKPOINTS,
    CheckpointFile,
    TrialFolder,
    attempt_of_text,
)
from study.journal.history import History
from study.journal.trials import Trial

_MOST_SIGNS = 10


def check_nothing_lost(paths: StudyPaths, history: History, journal_bytes: int) -> None:
    """Raise StateLost where a checkpoint, an attempt or a table shows more than the journal of
    ``journal_bytes`` bytes does.
    """
    signs = list(_signs_of_loss(paths, history, journal_bytes))
    if signs:
        lines = "\n".join(f"  {sign}" for sign in signs[:_MOST_SIGNS])
        raise StateLost(
            f"the journal of {paths.name} has lost records:\n{lines}\n"
            f"Restore {paths.journal} from a copy, or go on without what is lost: "
            f"{paths.command('resume', '--accept-loss')}"
        )


def _signs_of_loss(paths: StudyPaths, history: History, journal_bytes: int) -> Iterator[str]:
    """Everything in the study's folder that the journal should know of and doesn't."""
    yield from _tables_ahead(paths, journal_bytes)
    trials = {TrialFolder(trial.point, trial.replicate): trial for trial in history.trials}
    files_by_folder: dict[str, list[list[str]]] = defaultdict(list)
    for name, *parts in paths.trials.files_below():
        files_by_folder[name].append(parts)
    for name, files in sorted(files_by_folder.items()):
        folder = TrialFolder.parse(name)
        if folder:
            yield from _trial_ahead(paths.trials / name, files, trials.get(folder))


def _tables_ahead(paths: StudyPaths, journal_bytes: int) -> Iterator[str]:
    """The sign that the tables were made from a longer journal."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with paths.trials_table.open_binary() as file:
            metadata = pq.read_metadata(file).metadata or {}
        tabulated_bytes = int(metadata.get(JOURNAL_BYTES_KEY, b"0"))
    except (OSError, pa.ArrowInvalid, ValueError):
        return  # tables are derived: a missing or broken one is written anew
    if tabulated_bytes > journal_bytes:
        yield (
            f"{paths.trials_table} was made from {tabulated_bytes} bytes of journal, and there are"
            f" {journal_bytes}"
        )


def _trial_ahead(folder: StoragePath, files: list[list[str]], trial: Trial | None) -> Iterator[str]:
    """Signs in one trial's folder, by the parts of its files' paths."""
    if trial is None:
        yield f"{folder} belongs to a trial that the journal doesn't know"
        return
    attempts = [0]
    epochs_of_current = [0]
    current = len(trial.attempts)
    for parts in files:
        checkpoint = CheckpointFile.parse(parts[1]) if _is_in_checkpoints(parts) else None
        if checkpoint:
            attempts.append(checkpoint.attempt)
            if checkpoint.attempt == current:
                epochs_of_current.append(checkpoint.epoch)
        elif len(parts) == 1:
            attempts.append(attempt_of_text(parts[0]) or 0)
    if max(attempts) > current:
        yield f"{folder} shows attempt {max(attempts)}, and the journal {current}"
    # a checkpoint is durable before its epoch is reported, and a trial that was stopped, or lost
    # its node, has run on
    last_saved = max(epochs_of_current)
    if trial.stopped_at is None and last_saved > trial.epochs + 1:
        yield (
            f"{folder} has a checkpoint of epoch {last_saved}, and the journal {trial.epochs}"
            " epochs"
        )


def _is_in_checkpoints(parts: list[str]) -> bool:
    return len(parts) == 2 and parts[0] == CHECKPOINTS
