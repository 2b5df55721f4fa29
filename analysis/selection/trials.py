"""Which rows of the frames count for a question: the search's, those of a value, the fresh seeds'.

A study has trials of two kinds: those of the search, from which points are chosen, and those of a
confirmation, on fresh seeds that had no part in the choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.selection.remembered import remembered

POINT_KEY = ["study", "point"]
"""The columns that name a point among all loaded studies, in every frame."""

TRIAL_KEY = ["study", "trial"]
"""The columns that name a trial among all loaded studies, in ``trials`` and ``epochs``."""

_ALWAYS = (
    *TRIAL_KEY,
    "point",
    "replicate",
    "seed",
    "kind",
    "state",
    "failure",
    "counted",
    "outgrown",
    "epochs",
    "value",
    "value_2",
    "test_accuracy",
    "total_seconds",
    "data_fingerprint",
)
"""What tells trials apart, which of them count, and what came out of them."""

STEERED_NOTE = (
    "validation: test. These figures were steered by the test set and are no estimate of new data."
)


def trials_with(results: Frames, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Return all trials with the columns that most tables ask for, and further ones, as far as they
    are there: to choose among rows of all two hundred takes ten times as long.
    """
    return _with_columns(results, tuple(dict.fromkeys([*_ALWAYS, *columns])))


@remembered
def _with_columns(results: Frames, columns: tuple[str, ...]) -> pd.DataFrame:
    return results.trials.filter(items=list(columns))


def search_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials of the search proper, without those of a confirmation."""
    return trials[trials["kind"] == "search"]


def confirmation_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials on fresh seeds, whatever became of them."""
    return trials[trials["kind"] == "confirm"]


def complete_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that ran to their end."""
    return trials[trials["state"] == "COMPLETE"]


def counted_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that points' values are the means of: all seeds of points with a value."""
    return trials[trials["counted"].fillna(False).astype(bool)]


def fresh_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the complete trials on fresh seeds, which a confirmation runs after the search.

    Left out are those that are shorter than the search's trials have become since.
    """
    outgrown = trials["outgrown"].fillna(False).astype(bool)
    confirmed = trials["kind"] == "confirm"
    return complete_trials(trials[confirmed & ~outgrown])


def rows_of_point(rows: pd.DataFrame, point: Mapping[Any, Any]) -> pd.DataFrame:
    """Return the rows of trials or epochs that belong to a point, which is a row of ``points``."""
    in_study = rows["study"] == point["study"]
    of_point = rows["point"] == point["point"]
    found: pd.DataFrame = rows[in_study & of_point]
    return found


def point_index(rows: pd.DataFrame) -> pd.MultiIndex:
    """Return the point of each row, to be looked for among other rows' points."""
    return pd.MultiIndex.from_frame(rows[POINT_KEY])


def has_several_studies(results: Frames) -> bool:
    """Return whether a table must say which study each of its rows is of."""
    return len(results.studies) > 1


def is_steered_by_test_set(results: Frames) -> bool:
    """Return whether any training was validated on the test set, as published replicas are."""
    trials = trials_of_recipes(results)
    return bool(len(trials) and (trials["data.validation"] == "test").any())


def image_hashes(results: Frames) -> dict[str, set[str]]:
    """Return the hashes of the images that trials had, by the name of their data set."""
    trials = trials_of_recipes(results).dropna(subset=["data_fingerprint"])
    if not len(trials):
        return {}
    hashes = trials["data_fingerprint"].astype("string").str.split(",").str[0]
    return {str(name): set(found) for name, found in hashes.groupby(trials["data.name"])}


def trials_of_recipes(results: Frames) -> pd.DataFrame:
    """Return the trials of the studies that train recipes: of own trainings less is known."""
    names = [study.name for study in results.studies if study.spec.train is None]
    found: pd.DataFrame = results.trials[results.trials["study"].isin(names)]
    return found
