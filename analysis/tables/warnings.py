"""What a careful statistician would say before anyone believes the tables.

A new warning is a check, a function that yields sentences, and a line of ``_CHECKS``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pandas as pd

from analysis import statistics
from analysis.frames import Frames, Study
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.factors import scientific_columns
from analysis.selection.figures import as_cell
from analysis.selection.ranking import best_row, ranked_points
from analysis.selection.trials import (
    complete_trials,
    confirmation_trials,
    counted_trials,
    fresh_trials,
    has_several_studies,
    image_hashes,
    is_steered_by_test_set,
    search_trials,
)
from search_spaces.space import Variable
from study.inspection.format import count_text
from study.journal.ranking import CONFIRMED, PARTIAL
from study.journal.trials import ENDED_STATES

_EDGE = 0.05
_FEW_POINTS = 5
_LAG = 0.05
"""So much more accuracy with fresh statistics is worth a word."""
_NAMED = 5
"""So many trials are named at most."""
_ONE_IN_MANY = 5
"""Failures are many where more than one trial in so many failed."""
_UNEQUAL_POINTS = 1.2
_UNEQUAL_EPOCHS = 2


def warning_texts(results: Frames) -> list[str]:
    """Return every warning about the loaded studies, one sentence each, the gravest first."""
    texts = []
    for study in results.studies:
        own = results.only(study.name)
        lead = f"{study.name}: " if has_several_studies(results) else ""
        for check in _CHECKS:
            texts += [lead + text for text in check(own, study)]
    return texts


def warnings_table(results: Frames) -> Table:
    """Return every warning about the loaded studies, one a row."""
    rows: list[list[Cell]] = [[text] for text in warning_texts(results)]
    notes = [] if rows else ["Nothing to warn of."]
    return make_table("Warnings", [Header("warning")], rows, notes)


def _test_set_steered(results: Frames, study: Study) -> Iterator[str]:
    """Warn of validation on the test set."""
    if is_steered_by_test_set(results):
        yield (
            "validation: test. The test set steered these figures, so they are no estimate for new"
            " images; that is right for a published replica only."
        )


def _unfinished(results: Frames, study: Study) -> Iterator[str]:
    """Warn of points that are still to come."""
    states = study.all_tables.points["state"].to_pylist()  # a dropped point isn't to come
    done = sum(state in ENDED_STATES for state in states)
    if done < study.spec.points:
        yield (
            f"The study is not finished: {done} of {study.spec.points} points have ended; what"
            " follows may change."
        )


def _overridden(results: Frames, study: Study) -> Iterator[str]:
    """Warn of values that were laid over the study file."""
    if study.spec.overrides:
        text = ", ".join(f"{path}={value}" for path, value in study.spec.overrides.items())
        yield f"--set laid {text} over the study file: it is not the study that the file describes."


def _one_seed(results: Frames, study: Study) -> Iterator[str]:
    """Warn of points of one seed, and no fresh seeds to come."""
    if study.spec.replicates == 1 and study.spec.confirm is None:
        yield (
            "One seed a point: no figure says how much of it is luck. Use replicates: or confirm:."
        )


def _older_rule(results: Frames, study: Study) -> Iterator[str]:
    """Warn of a study begun when the pruner judged each seed by itself: it goes on so."""
    if study.spec.replicates > 1 and not study.history.whole_seeds:
        part = int((results.points["standing"] == PARTIAL).sum())
        yield (
            "The study was begun under an older rule, and goes on under it: each seed was pruned"
            " and could fail by itself, and a point's value is the mean of the seeds that were"
            f" left. {_lacking_text(part)} missing seeds; such values look better than they are,"
            " and rank below those with all seeds."
        )


def _lacking_text(points: int) -> str:
    if points == 0:
        return "No point has"
    return "One point has" if points == 1 else f"{points} points have"


def _unconfirmed(results: Frames, study: Study) -> Iterator[str]:
    """Warn of a confirmation that isn't over, or that has lost seeds."""
    trials = confirmation_trials(results.trials)
    to_come = int(results.points["seeds_to_come"].fillna(0).sum())
    has_open_points = results.points["state"].isin(["RUNNING", "WAITING"]).any()
    proposed = len(results.points) + len(results.dropped)
    search_is_over = not has_open_points and proposed >= study.spec.points
    if to_come and (len(trials) or search_is_over):
        yield (
            f"The confirmation is not finished: {count_text(to_come, 'fresh seed')} to come."
            " Until then points rank by the search, and the order may change."
        )
    lost = int(trials["state"].isin(["PRUNED", "FAIL"]).sum())
    if lost:
        yield (
            f"{count_text(lost, 'fresh seed')} ended without a value: who lost any doesn't count"
            " as confirmed."
        )


def _indistinct(results: Frames, study: Study) -> Iterator[str]:
    """Warn of a best point that can't be told from the second best."""
    best_two = ranked_points(results).head(2)
    if len(best_two) < 2 or best_two["standing"].nunique() > 1:
        return
    one, other = (int(number) for number in best_two["point"])
    gap = abs(float(best_two["ranked_by"].iloc[0] - best_two["ranked_by"].iloc[1]))
    if gap == 0:
        yield f"Points {one} and {other} tie for the best: the lower number is shown."
        return
    is_confirmed = best_two["standing"].iloc[0] == CONFIRMED
    trials = fresh_trials(results.trials) if is_confirmed else counted_trials(results.trials)
    first, second = (trials[trials["point"] == number] for number in (one, other))
    pairs = first.merge(second, on="seed", suffixes=("_first", "_second"))
    difference = statistics.paired_difference(pairs["value_first"], pairs["value_second"]).estimate
    if difference.known and not difference.excludes_zero:
        yield (
            f"Points {one} and {other}, the best two, differ by {gap:.4g}, less than"
            f" the interval of that difference, [{difference.low:.4g}, {difference.high:.4g}], can"
            " tell from zero."
        )


def _at_the_edge(results: Frames, study: Study) -> Iterator[str]:
    """Warn of parameters of the best point that lie at an end of their range."""
    space = study.spec.space
    found = best_row(results)
    if found is None:
        return
    values = {path: as_cell(found.get(study.spec.kind.column_of(path))) for path in space.paths()}
    params = space.params_of(values) or {}
    for variable in space.variables:
        side = _edge(variable, params.get(variable.name))
        if side:
            yield (
                f"The best point's {variable.path} = {params[variable.name]:.4g} lies at the {side}"
                f" end of its range, {variable.distribution}: a wider one may hold something"
                " better."
            )


def _edge(variable: Variable, value: object) -> str:
    """Return ``low`` or ``high`` where a value lies within EDGE of that end of its range.

    EDGE is a share of the range on the scale that was sampled.
    """
    distribution = variable.distribution
    low, high = getattr(distribution, "low", None), getattr(distribution, "high", None)
    if low is None or high is None or low == high or not isinstance(value, int | float):
        return ""
    scale: Callable[[float], float] = float
    if getattr(distribution, "log", False):
        if value <= 0:
            return ""
        scale = math.log
    position = (scale(float(value)) - scale(low)) / (scale(high) - scale(low))
    if 0 <= position <= _EDGE:
        return "low"
    return "high" if 1 - _EDGE <= position <= 1 else ""


def _sparse_branches(results: Frames, study: Study) -> Iterator[str]:
    """Warn of branches that few points are in."""
    complete = results.points[results.points["state"] == "COMPLETE"]
    for variable in study.spec.space.variables:
        is_outer_branch = variable.branch and not variable.given
        column = study.spec.kind.column_of(variable.path)
        if not is_outer_branch or column not in complete:
            continue
        for name in variable.distribution.grid():
            count = int((complete[column] == name).sum())
            if count < _FEW_POINTS:
                verb = "has" if count == 1 else "have"
                points = count_text(count, "complete point")
                yield (
                    f"Only {points} {verb} {variable.path} = {name}: too few to judge that branch"
                    " by."
                )


def _unequal_budget(results: Frames, study: Study) -> Iterator[str]:
    """Warn of levels of the scientific factor that were given more points or epochs than others."""
    trials = search_trials(results.trials)
    for factor in scientific_columns(study):
        if factor not in trials:
            continue
        points = trials.groupby(factor)["point"].nunique()
        epochs = trials.groupby(factor)["epochs"].sum()
        if len(points) < 2:
            continue
        if points.max() > _UNEQUAL_POINTS * points.min():
            yield (
                f"The levels of {factor} were given unequal numbers of points"
                f" ({_counts_text(points)}); mode: method-study would not."
            )
        elif epochs.min() and epochs.max() > _UNEQUAL_EPOCHS * epochs.min():
            yield (
                f"The levels of {factor} were given unequal numbers of epochs"
                f" ({_counts_text(epochs)})."
            )


def _counts_text(counts: pd.Series[int]) -> str:
    return ", ".join(f"{label} {count}" for label, count in counts.items())


def _shared_device(results: Frames, study: Study) -> Iterator[str]:
    """Warn of times of trials that had a device to share."""
    trials = complete_trials(results.trials)
    shared = int(trials["device_shared"].sum())
    if shared:
        yield (
            f"{shared} of {len(trials)} complete trials shared their device with another one: their"
            " times are those of a shared device and comparable with each other at best."
        )


def _unlike_trials(results: Frames, study: Study) -> Iterator[str]:
    """Warn of trials on several machines, and those that a retry changed."""
    trials = complete_trials(results.trials)
    places = trials["host"].dropna().nunique()
    if places > 1:
        yield f"Trials ran on {places} machines: times are comparable within one machine alone."
    substituted = int(trials["substitutions"].notna().sum())
    if substituted:
        yield (
            f"{substituted} complete trials ran with values that a retry changed; see the column"
            " substitutions."
        )


def _differing_rows(results: Frames, study: Study) -> Iterator[str]:
    """Warn of trials whose rows are of two trainings that differ."""
    if "rows_differ_at" not in results.trials:
        return
    trials = results.trials.dropna(subset=["rows_differ_at"])
    if len(trials):
        numbers = ", ".join(str(number) for number in trials["trial"].head(_NAMED))
        rest = ", …" if len(trials) > _NAMED else ""
        yield (
            f"{count_text(len(trials), 'trial')} ({numbers}{rest}) came out otherwise where epochs"
            " were trained once more after an interruption: rows from before and after it are of"
            " two trainings; see the column rows_differ_at. On GPUs execution.deterministic"
            " prevents that."
        )


def _other_images(results: Frames, study: Study) -> Iterator[str]:
    """Warn of trials that were trained on other images, though on a data set of the same name."""
    for name, hashes in image_hashes(results).items():
        if len(hashes) > 1:
            yield (
                f"The images of {name} changed while the study ran: its trials had"
                f" {len(hashes)} different ones, and can't be compared with each other."
            )


def _lagging_statistics(results: Frames, study: Study) -> Iterator[str]:
    """Warn of validation that batch norms' running statistics hold down."""
    if "fresh_statistics_accuracy" not in results.epochs:
        return
    looked = results.epochs.dropna(subset=["fresh_statistics_accuracy"])
    looked = looked.assign(gain=looked["fresh_statistics_accuracy"] - looked["val_accuracy"])
    lagging = looked[looked["gain"] >= _LAG].sort_values("gain")
    if len(lagging):
        worst = lagging.iloc[-1]
        yield (
            f"In {count_text(len(lagging), 'trial')} the running statistics of batch norm lagged"
            f" behind the weights: trial {worst['trial']} was validated at"
            f" {worst['val_accuracy']:.4g} after epoch {worst['epoch']}, and would have been at"
            f" {worst['fresh_statistics_accuracy']:.4g} with fresh ones. Early epochs say less"
            " there; a lower learning rate or a greater model.norm_momentum follows faster."
        )


def _many_failures(results: Frames, study: Study) -> Iterator[str]:
    """Warn of a large share of trials that failed."""
    ended = results.trials[results.trials["state"].isin(ENDED_STATES)]
    failed = ended[ended["state"] == "FAIL"]
    if len(ended) and _ONE_IN_MANY * len(failed) > len(ended):
        kinds = _counts_text(failed["failure"].value_counts())
        yield (
            f"{len(failed)} of {len(ended)} ended trials failed ({kinds}): much of the space can't"
            " be trained."
        )


_CHECKS: tuple[Callable[[Frames, Study], Iterator[str]], ...] = (
    _test_set_steered,
    _other_images,
    _differing_rows,
    _overridden,
    _unfinished,
    _unconfirmed,
    _older_rule,
    _one_seed,
    _indistinct,
    _at_the_edge,
    _unequal_budget,
    _sparse_branches,
    _shared_device,
    _unlike_trials,
    _lagging_statistics,
    _many_failures,
)
