"""What a careful statistician would say before anyone believes the tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from analysis import statistics
from analysis.frames import Frames, Study
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.figures import as_cell
from analysis.selection.ranking import best_row, ranked_points
from analysis.selection.trials import complete_trials, counted_trials, fresh_trials, search_trials
from search_spaces.space import Variable
from study.inspection.format import count_text
from study.journal.ranking import CONFIRMED, PARTIAL
from study.results.recipe_columns import recipe_column_name

_EDGE = 0.05
_FEW_POINTS = 5
_UNEQUAL = 1.2


def warning_texts(results: Frames) -> list[str]:
    """Every warning about the loaded studies, one sentence each, the gravest first."""
    found = []
    for study in results.studies:
        lead = f"{study.name}: " if len(results.studies) > 1 else ""
        found += [
            lead + text for check in _CHECKS for text in check(results.only(study.name), study)
        ]
    return found


def warnings_table(results: Frames) -> Table:
    rows: list[list[Cell]] = [[text] for text in warning_texts(results)]
    return make_table(
        "Warnings", [Header("warning")], rows, [] if rows else ["Nothing to warn of."]
    )


def _test_set_steered(results: Frames, study: Study) -> Iterator[str]:
    if (results.trials["data.validation"] == "test").any():
        yield (
            "validation: test. The test set steered these figures, so they are no estimate for new"
            " images; that is right for a published replica only."
        )


def _unfinished(results: Frames, study: Study) -> Iterator[str]:
    points = results.points
    done = int(points["state"].isin(["COMPLETE", "PRUNED", "FAIL"]).sum())
    if done < study.spec.points:
        yield (
            f"The study is not finished: {done} of {study.spec.points} points have ended; what"
            " follows may change."
        )


def _overridden(results: Frames, study: Study) -> Iterator[str]:
    if study.spec.overrides:
        text = ", ".join(f"{path}={value}" for path, value in study.spec.overrides.items())
        yield f"--set laid {text} over the study file: it is not the study that the file describes."


def _one_seed(results: Frames, study: Study) -> Iterator[str]:
    if study.spec.replicates == 1 and study.spec.confirm is None:
        yield (
            "One seed a point: no figure says how much of it is luck. Use replicates: or confirm:."
        )


def _older_rule(results: Frames, study: Study) -> Iterator[str]:
    """Studies begun when the pruner judged each seed go on like that."""
    if study.spec.replicates > 1 and not study.history.whole_seeds:
        part = int((results.points["standing"] == PARTIAL).sum())
        yield (
            "The study was begun under an older rule, and goes on under it: each seed was pruned"
            " and could fail by itself, and a point's value is the mean of the seeds that were"
            f" left. {_lacking_text(part)} missing seeds; such values look better than they are,"
            " and rank below those with all seeds."
        )


def _lacking_text(points: int) -> str:
    return (
        "No point has"
        if not points
        else "One point has"
        if points == 1
        else f"{points} points have"
    )


def _unconfirmed(results: Frames, study: Study) -> Iterator[str]:
    """A confirmation that isn't over, or that has lost seeds."""
    trials = results.trials[results.trials["kind"] == "confirm"]
    to_come = int(results.points["seeds_to_come"].fillna(0).sum())
    searched = not results.points["state"].isin(["RUNNING", "WAITING"]).any()
    if to_come and (len(trials) or (searched and len(results.points) >= study.spec.points)):
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
    """The best against the second best."""
    points = ranked_points(results)
    if len(points) < 2 or points["standing"].iloc[0] != points["standing"].iloc[1]:
        return
    confirmed = points["standing"].iloc[0] == CONFIRMED
    trials = fresh_trials(results.trials) if confirmed else counted_trials(results.trials)
    numbers = [int(number) for number in points["point"].iloc[:2]]
    gap = abs(float(points["ranked_by"].iloc[0] - points["ranked_by"].iloc[1]))
    if gap == 0:
        yield f"Points {numbers[0]} and {numbers[1]} tie for the best: the lower number is shown."
        return
    first, second = (trials[trials["point"] == number] for number in numbers)
    pairs = first.merge(second, on="seed", suffixes=("_first", "_second"))
    difference = statistics.paired_difference(pairs["value_first"], pairs["value_second"]).estimate
    if difference.known and not difference.excludes_zero:
        yield (
            f"Points {numbers[0]} and {numbers[1]}, the best two, differ by {gap:.4g}, less than"
            f" the interval of that difference, [{difference.low:.4g}, {difference.high:.4g}], can"
            " tell from zero."
        )


def _at_the_edge(results: Frames, study: Study) -> Iterator[str]:
    """Parameters of the best point that lie at an end of their range."""
    space, found = study.spec.space, best_row(results)
    if found is None:
        return
    values = {path: as_cell(found.get(recipe_column_name(path))) for path in space.paths()}
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
    """``low`` or ``high`` where a value lies within EDGE of that end of its range, on the scale
    that was sampled.
    """
    low, high = (getattr(variable.distribution, end, None) for end in ("low", "high"))
    if low is None or high is None or low == high or not isinstance(value, int | float):
        return ""
    scale: Callable[[float], float] = (
        math.log if getattr(variable.distribution, "log", False) else float
    )
    if getattr(variable.distribution, "log", False) and value <= 0:
        return ""
    position = (scale(float(value)) - scale(low)) / (scale(high) - scale(low))
    if not 0 <= position <= 1:
        return ""
    return "low" if position <= _EDGE else "high" if position >= 1 - _EDGE else ""


def _sparse_branches(results: Frames, study: Study) -> Iterator[str]:
    done = results.points[results.points["state"] == "COMPLETE"]
    for variable in study.spec.space.variables:
        if not variable.branch or variable.given or variable.path not in done:
            continue
        for name in variable.distribution.grid():
            count = int((done[variable.path] == name).sum())
            if count < _FEW_POINTS:
                few = count_text(count, "complete point") + (" has" if count == 1 else " have")
                yield f"Only {few} {variable.path} = {name}: too few to judge that branch by."


def _unequal_budget(results: Frames, study: Study) -> Iterator[str]:
    trials = search_trials(results.trials)
    for factor in study.spec.roles.scientific:
        if factor not in trials:
            continue
        counts = trials.groupby(factor)["point"].nunique()
        epochs = trials.groupby(factor)["epochs"].sum()
        if len(counts) > 1 and counts.max() > _UNEQUAL * counts.min():
            text = ", ".join(f"{level} {count}" for level, count in counts.items())
            yield (
                f"The levels of {factor} were given unequal numbers of points ({text}); mode:"
                " method-study would not."
            )
        elif len(epochs) > 1 and epochs.min() and epochs.max() > 2 * epochs.min():
            text = ", ".join(f"{level} {count}" for level, count in epochs.items())
            yield f"The levels of {factor} were given unequal numbers of epochs ({text})."


def _shared_device(results: Frames, study: Study) -> Iterator[str]:
    trials = complete_trials(results.trials)
    shared = int(trials["device_shared"].sum())
    if shared:
        yield (
            f"{shared} of {len(trials)} complete trials shared their device with another one: their"
            " times are those of a shared device and comparable with each other at best."
        )


def _interrupted_times(results: Frames, study: Study) -> Iterator[str]:
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


def _many_failures(results: Frames, study: Study) -> Iterator[str]:
    ended = results.trials[results.trials["state"].isin(["COMPLETE", "PRUNED", "FAIL"])]
    failed = ended[ended["state"] == "FAIL"]
    if len(ended) and len(failed) > len(ended) / 5:
        kinds = ", ".join(
            f"{kind} {count}" for kind, count in failed["failure"].value_counts().items()
        )
        yield (
            f"{len(failed)} of {len(ended)} ended trials failed ({kinds}): much of the space can't"
            " be trained."
        )


_CHECKS: tuple[Callable[[Frames, Study], Iterator[str]], ...] = (
    _test_set_steered,
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
    _interrupted_times,
    _many_failures,
)
