"""The row of figures that a training reports of each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

EpochRow = dict[str, float | int | str]
"""An epoch's figures by column, as ``study.results.columns`` describes them."""

_VALIDATION_COLUMNS = ("loss", "accuracy", "f1")


def validation_columns(
    metrics: Mapping[str, float], *, by_test_set: bool, named: Iterable[str] = ()
) -> dict[str, float | int | str]:
    """Return validation metrics under their columns' names, ``val_loss`` and so on.

    Where the test set validates, they stand under ``test_loss`` and so on as well. ``named`` are
    those that the recipe asks for besides.
    """
    prefixes = ("val", "test") if by_test_set else ("val",)
    names = (*_VALIDATION_COLUMNS, *named)
    return {f"{prefix}_{name}": metrics[name] for prefix in prefixes for name in names}
