"""The frames without the columns that one seldom looks at: a recipe has about a hundred fields."""

from __future__ import annotations

import pandas as pd

from analysis.frames import Frames
from analysis.selection.objectives import objectives_of
from analysis.selection.settings import varied_settings
from analysis.selection.trials import has_several_studies
from search_spaces.validation import alternatives
from study.errors import UserError

_COLUMNS = {
    "points": ("point", "rank", "state", "value", "value_2", "seeds", "fresh_value"),
    "trials": (
        "trial",
        "point",
        "replicate",
        "kind",
        "state",
        "failure",
        "epochs",
        "value",
        "value_2",
        "test_accuracy",
        "total_seconds",
    ),
    "epochs": ("trial", "point", "replicate", "epoch", "train_loss", "val_loss", "seconds"),
}
"""What identifies a row, and what came out of it."""
_KEY = ["study", "trial"]


def view_of(results: Frames, table: str) -> pd.DataFrame:
    """Return a frame's rows with the columns that tell them apart, and the varied settings.

    Columns that are empty throughout are left out. UserError for a table that isn't there.
    """
    if table not in _COLUMNS:
        raise UserError(f"a view is of {alternatives(_COLUMNS)}, not {table!r:.40}")
    settings = varied_settings(results)
    frame: pd.DataFrame = getattr(results, table)
    names = [*(["study"] if has_several_studies(results) else []), *_COLUMNS[table]]
    if table == "epochs":
        names += [objective.metric for objective in objectives_of(results)]
        frame = frame.merge(results.trials[[*_KEY, *settings]], on=_KEY)
    chosen = [name for name in dict.fromkeys([*names, *settings]) if name in frame.columns]
    filled = [name for name in chosen if name in settings or frame[name].notna().any()]
    rows: pd.DataFrame = frame[filled]
    return rows
