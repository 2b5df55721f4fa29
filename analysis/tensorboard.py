"""TensorBoard event files of a study, on request: a run for each trial, its metrics over epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.selection.figures import as_cell
from analysis.selection.settings import varied_settings
from analysis.selection.trials import TRIAL_KEY
from study.files.atomic import make_folder

_NO_METRICS = ("trial", "point", "replicate", "epoch", "attempt")
"""Numbers in the epochs' rows that say which row it is."""


def write_events(results: Frames, to: str | Path) -> Path:
    """Write a folder of event files below ``to`` for each trial with an epoch; return ``to``."""
    from tensorboardX import SummaryWriter  # type: ignore[import-untyped]

    folder = Path(to)
    make_folder(folder)
    names = varied_settings(results)
    metrics = _metrics_of(results.epochs)
    epochs = dict(iter(results.epochs.groupby(TRIAL_KEY)))
    for trial in results.trials.to_dict("records"):
        study, number = trial["study"], trial["trial"]
        if (study, number) not in epochs:
            continue
        with SummaryWriter(logdir=str(folder / f"{study}-{number:05d}")) as writer:
            writer.add_text("settings", _settings_text(trial, names))
            for row in epochs[study, number].to_dict("records"):
                _add_epoch(writer, row, metrics)
    return folder


def _metrics_of(epochs: pd.DataFrame) -> list[str]:
    """Return the columns of the epochs' rows that are figures of the training."""
    return [
        str(name)
        for name in epochs.columns
        if pd.api.types.is_numeric_dtype(epochs[name]) and name not in _NO_METRICS
    ]


def _settings_text(trial: Mapping[Any, Any], names: Sequence[str]) -> str:
    """Return a trial's settings as a block of Markdown, one a line."""
    return "\n".join(f"    {name} = {as_cell(trial[name])}" for name in names)


def _add_epoch(writer: Any, row: Mapping[Any, Any], metrics: Sequence[str]) -> None:
    """Add what an epoch's row holds of the metrics, at the time at which it was reported."""
    for name in metrics:
        value = as_cell(row[name])
        if value is not None:
            writer.add_scalar(name, value, row["epoch"], walltime=row["time"].timestamp())
