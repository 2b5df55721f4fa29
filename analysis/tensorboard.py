"""TensorBoard event files of a study, on request: a run for each trial, its metrics over epochs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from analysis.frames import Frames
from analysis.selection.figures import as_cell
from analysis.selection.settings import varied_settings
from study.files.atomic import make_folder


def write_events(results: Frames, to: str | Path) -> Path:
    """Write one folder of event files a trial below ``to``; its path."""
    from tensorboardX import SummaryWriter  # type: ignore[import-untyped]

    folder = Path(to)
    make_folder(folder)
    numbers = [
        name
        for name in results.epochs.columns
        if pd.api.types.is_numeric_dtype(results.epochs[name])
    ]
    metrics = [
        name for name in numbers if name not in ("trial", "point", "replicate", "epoch", "attempt")
    ]
    rows = dict(iter(results.epochs.groupby(["study", "trial"])))
    for trial in results.trials.to_dict("records"):
        key = (trial["study"], trial["trial"])
        if key not in rows:
            continue
        with SummaryWriter(logdir=str(folder / f"{key[0]}-{key[1]:05d}")) as writer:
            described = "\n".join(
                f"    {name} = {as_cell(trial[name])}" for name in varied_settings(results)
            )
            writer.add_text("settings", described)
            for row in rows[key].to_dict("records"):
                for name in metrics:
                    if (value := as_cell(row[name])) is not None:
                        writer.add_scalar(
                            name, value, row["epoch"], walltime=row["time"].timestamp()
                        )
    return folder
