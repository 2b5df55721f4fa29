"""How much each setting matters to the value: permutation importance, with its uncertainty.

A random forest is fitted to resampled points and judged on those left out (Breiman 2001), so a
setting that matters only to the points it was fitted to counts for nothing. Half of what shuffling
a setting adds to the squared error is the variance that involves the setting (its total-effect
index; Jansen 1999), so that is the share that is given.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Header, Table, make_table
from analysis.selection.objectives import objective_of
from analysis.selection.settings import is_numeric_setting, setting_headers, varied_settings
from analysis.statistics import Array, Estimate
from study.results.kept_figures import KeptFigures, hash_of

if TYPE_CHECKING:
    from sklearn.tree._tree import Tree

_KEPT = KeptFigures("importances.json", most=300)
_LIBRARIES = ("scikit-learn", "numpy")
_RESAMPLES = 15
_LEAST_POINTS = 10
_TREES = 25
_SHUFFLES = 5
_LEVEL = 0.9
SHARE_LABEL = "share of the value's variance"
_FILLING = (
    "A setting that a point doesn't have, being that of another branch, counts as one further value"
    " of it: so a branch's own settings take over part of the branch's share."
)
_SHARES = (
    f"The median and the middle {_LEVEL * 100:.0f} % of {_RESAMPLES} resamples. What settings do"
    " together counts for each of them, so shares can add up to more than 1."
)


@dataclass(frozen=True)
class Importance:
    """Each setting's share of the value's variance, and how well the forest knows the value.

    The greatest share is first. One is below 0 where shuffling the setting helped by chance;
    ``displayed`` starts at 0. ``r_squared`` is the share of the variance that the forest explains
    on points left out, the median over resamples.
    """

    shares: tuple[tuple[str, Estimate], ...]
    r_squared: float

    @property
    def displayed(self) -> list[tuple[str, Estimate]]:
        """The shares as they are shown: none is below 0."""
        return [(name, _from_zero(share)) for name, share in self.shares]

    @property
    def quality(self) -> str:
        """The forest's fit, in a sentence."""
        if self.r_squared <= 0:
            return (
                "The forest explains nothing of the value of points left out (R²"
                f" {self.r_squared:.2f}): the shares mean nothing."
            )
        return (
            f"The forest explains {self.r_squared * 100:.0f} % of the value's variance among points"
            " left out (R²)."
        )


def _from_zero(share: Estimate) -> Estimate:
    """Return a share with what lies below 0 put at 0."""
    value, low, high = (max(0.0, end) for end in (share.value, share.low, share.high))
    return replace(share, value=value, low=low, high=high)


def importance(results: Frames, seed: int = 0) -> Importance | None:
    """Return each setting's share of the value's variance.

    The interval holds the middle LEVEL of the resamples. None where there are fewer than
    LEAST_POINTS complete points, or all have one value.
    """
    points = results.points.dropna(subset="value")
    names = varied_settings(results)
    if len(points) < _LEAST_POINTS or not names or points["value"].nunique() < 2:
        return None
    features = np.column_stack([_coded(points[name]) for name in names])  # (points, settings)
    values = points["value"].to_numpy(float)
    drawn = _resamples(features, values, seed)  # (resamples, settings + 1)
    shares = []
    for name, sample in zip(names, drawn.T[:-1], strict=True):
        low, high = np.quantile(sample, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
        median = float(np.median(sample))
        shares.append((name, Estimate(median, float(low), float(high), len(points), _LEVEL)))
    shares.sort(key=lambda item: -item[1].value)
    r_squared = float(np.median(drawn[:, -1]))
    return Importance(tuple(shares), r_squared)


def importance_table(results: Frames) -> Table:
    """Return each setting's share of the value's variance, and how well the forest knows it."""
    found = importance(results)
    headers = [Header("setting"), Header(SHARE_LABEL, digits=3)]
    title = f"Importance of settings to {objective_of(results).metric}"
    if found is None:
        few = f"It takes {_LEAST_POINTS} points with values that differ, and a setting that varies."
        return make_table(title, headers, [], [few])
    shares = found.displayed
    names = setting_headers([name for name, _ in shares])
    rows = [(str(name), share) for name, (_, share) in zip(names, shares, strict=True)]
    points = shares[0][1].n
    notes = [found.quality, f"{points} points. {_SHARES}"]
    if _is_conditional(results):
        notes.append(_FILLING)
    return make_table(title, headers, rows, notes)


def _is_conditional(results: Frames) -> bool:
    """Return whether some points have a setting that others don't."""
    points = results.points.dropna(subset="value")
    return bool(points[varied_settings(results)].isna().any(axis=None))


def _coded(values: pd.Series[Any]) -> Array:
    """Return a setting as numbers, (points,): its rank among the values, or that of its choice.

    Missing ones are -1, below the least. Trees see no more than the order.
    """
    if is_numeric_setting(values):
        numbers = values.rank(method="dense").to_numpy(float, na_value=np.nan)
    else:
        codes, _ = pd.factorize(values.astype("str"), sort=True)
        numbers = codes.astype(float)
    filled: Array = np.nan_to_num(numbers, nan=-1.0)
    return filled


def _resamples(features: Array, values: Array, seed: int) -> Array:
    """Return each resample's shares and, behind them, its R²: (resamples, settings + 1).

    What was found before for the same points by the same code is not computed again: it takes
    scikit-learn, whose loading takes longer than all tables of a report.
    """
    here = Path(__file__).read_bytes()
    stated = json.dumps([features.shape, seed, [version(name) for name in _LIBRARIES]])
    key = hash_of(here, stated, features.tobytes(), values.tobytes())
    shape = (_RESAMPLES, features.shape[1] + 1)
    kept = _figures_from(_KEPT.find(key))
    if kept.shape == shape and np.isfinite(kept).all():
        return kept
    resamples = [_resample(features, values, seed + i) for i in range(_RESAMPLES)]
    drawn = np.array([[*shares, fit] for shares, fit in resamples])
    _KEPT.keep(key, drawn.tolist())
    return drawn


def _figures_from(tree: object) -> Array:
    """Return plain data as an array; an empty one where it isn't a table of figures."""
    try:
        return np.array(tree, dtype=float)
    except (TypeError, ValueError):
        return np.empty(0)


def _resample(features: Array, values: Array, seed: int) -> tuple[Array, float]:
    """Return one resample's shares, (settings,), and its R², both on the points left out.

    ``features`` has shape (points, settings), ``values`` (points,). Shares are in units of all
    points' variance: that of a few left out is too uncertain. A share of more than 1 is chance.
    """
    drawn, left_out = _split(len(values), seed)
    forest = _grown_trees(features[drawn], values[drawn], seed)
    variance = float(values.var())
    features, values = features[left_out], values[left_out]
    error = _squared_errors(forest, features[None], values)[0]
    added_errors = [
        np.mean(_squared_errors(forest, shuffled, values) - error)
        for shuffled in _with_each_shuffled(features, seed)
    ]
    shares: Array = np.array(added_errors) / (2 * variance)
    return np.minimum(shares, 1.0), float(1 - error / variance)


def _grown_trees(features: Array, values: Array, seed: int) -> list[Tree]:
    """Grow the trees that scikit-learn's ``RandomForestRegressor`` grows from a seed.

    It takes more time around them, in copying and checking, than they take to grow.
    """
    from sklearn import config_context
    from sklearn.tree import DecisionTreeRegressor

    rows = np.ascontiguousarray(features, dtype=np.float32)
    seeds = np.random.RandomState(seed)
    grower = DecisionTreeRegressor(min_samples_leaf=2)
    trees = []
    with config_context(skip_parameter_validation=True):
        for _ in range(_TREES):
            grower.random_state = seeds.randint(np.iinfo(np.int32).max)
            drawn = np.random.RandomState(grower.random_state).randint(0, len(rows), len(rows))
            counts = np.bincount(drawn, minlength=len(rows)).astype(float)
            grower.fit(rows, values, sample_weight=counts, check_input=False)
            trees.append(grower.tree_)
    return trees


def _squared_errors(forest: list[Tree], variants: Array, values: Array) -> Array:
    """Return a forest's mean squared error, (variants,), on variants (variants, points, settings)
    of the features.

    It is asked once for all: that takes hardly longer than asking for one.
    """
    rows = np.concatenate(variants).astype(np.float32)
    predicted = sum(tree.predict(rows)[:, 0] for tree in forest) / len(forest)
    errors: Array = np.mean((values - predicted.reshape(len(variants), -1)) ** 2, axis=1)
    return errors


def _with_each_shuffled(features: Array, seed: int) -> Iterator[Array]:
    """Give for each setting the features with it shuffled: (shuffles, points, settings).

    They are shuffled as by ``sklearn.inspection.permutation_importance``, which asks the forest for
    each by itself.
    """
    drawn_seed = np.random.RandomState(seed).randint(2**31)
    for setting in range(features.shape[1]):
        random = np.random.RandomState(drawn_seed)
        order = np.arange(len(features))
        shuffled = features.copy()
        variants = []
        for _ in range(_SHUFFLES):
            random.shuffle(order)
            shuffled[:, setting] = shuffled[order, setting]
            variants.append(shuffled.copy())
        yield np.stack(variants)


def _split(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the places of ``count`` points drawn with replacement, and of those left out."""
    drawn = np.random.default_rng(seed).integers(0, count, count)
    return drawn, np.setdiff1d(np.arange(count), drawn)
