"""The study's answer in sentences, each with its figures: the best point, verdicts, the effort."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Header, cell_text, format_number
from analysis.report.variation import variation_sentences
from analysis.report.verdicts import (
    baseline_sentences,
    levels_sentences,
    metric_text_header,
    winners_sentences,
)
from analysis.selection.figures import as_cell, has_figure, mean_test_accuracy, metric_mean
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import best_row, confirmed_count, level_of_best, tied_with_best
from analysis.selection.settings import short_name, varied_settings
from analysis.selection.trials import (
    counted_trials,
    fresh_trials,
    rows_of_point,
    search_trials,
    trials_with,
)
from analysis.statistics import LEVEL
from analysis.tables.effort.cost import SECONDS_AN_HOUR, currency_of, duration_text, has_money
from analysis.tables.points.winners import lost_seed_count
from study.inspection.format import count_text
from study.journal.ranking import CONFIRMED
from study.spec.parts.tariff import money_text

_FIGURE = Header("", digits=4)


def answer_sentences(results: Frames) -> list[str]:
    """Return the answer of one study, sentence by sentence, the most important first."""
    best = best_row(results)
    if best is None:
        return ["No point is complete yet, so there is no answer.", _effort(results)]
    is_confirmed = best["standing"] == CONFIRMED
    sentences = _confirmed_best(results, best) if is_confirmed else _searched_best(results, best)
    winners = winners_sentences(results)
    sentences += winners
    sentences += baseline_sentences(results)
    if not is_confirmed:
        sentences += _first_sentence(results, best)
    if not winners:
        sentences += levels_sentences(results)
    sentences += variation_sentences(results)
    sentences.append(_effort(results))
    return sentences


def _confirmed_best(results: Frames, point: dict[str, Any]) -> list[str]:
    """Return what the best point reaches on seeds that had no part in the search.

    The search's own value stands in brackets.
    """
    objective = objective_of(results)
    trials = trials_with(results)
    fresh = rows_of_point(fresh_trials(trials), point)
    searched = rows_of_point(counted_trials(trials), point)
    confirmed = confirmed_count(results)
    level = level_of_best(results)
    value = _mean_text(fresh, objective.metric, level)
    value_in_search = _mean_text(searched, objective.metric)
    seeds = _seeds_text(len(fresh), "fresh ")
    if confirmed > 1:
        extreme = "lowest" if objective.is_minimized else "highest"
        lead = f"Of {confirmed} points trained on {seeds}"
        verb = f"has the {extreme} {objective.metric},"
    else:
        lead = f"On {seeds}"
        verb = f"reaches {objective.metric}"
    sentence = (
        f"{lead} point {point['point']} {verb} {value} ({value_in_search} in the search, as one of"
        f" {_points_text(results)}){_accuracy_text(fresh, ', test accuracy', level)};"
        f" {_settings_text(results, point)}."
    )
    if confirmed > 1:
        sentence += (
            f" Its intervals on fresh seeds are at {level:.1%}: they hold for whichever of the"
            f" {confirmed} is the best."
        )
    return [sentence, *_tied_sentence(results), *_lost_sentence(results)]


def _tied_sentence(results: Frames) -> list[str]:
    """Return which points tie for the first rank."""
    tied = [str(number) for number in tied_with_best(results)]
    if not tied:
        return []
    return [f"Points {', '.join(tied[:-1])} and {tied[-1]} tie for it; the lowest number is shown."]


def _lost_sentence(results: Frames) -> list[str]:
    """Return which chosen points aren't among the confirmed: a fresh seed has no value."""
    chosen = results.points.loc[results.points["chosen"].astype(bool), "point"]
    lost = [str(point) for point in chosen if lost_seed_count(results, int(point))]
    if not lost:
        return []
    names = f"Points {', '.join(lost)} were" if len(lost) > 1 else f"Point {lost[0]} was"
    return [f"{names} chosen too, and lost fresh seeds, so their value on those can't be told."]


def _searched_best(results: Frames, point: dict[str, Any]) -> list[str]:
    """Return the best value of a search without fresh seeds, and what speaks against it."""
    objective = objective_of(results)
    trials = rows_of_point(counted_trials(trials_with(results)), point)
    seeds = f"the mean of {_seeds_text(len(trials))}"
    wanted = results.study.spec.replicates
    if len(trials) < wanted:
        seeds += f" of {wanted}"
    extreme = "lowest" if objective.is_minimized else "highest"
    sentence = (
        f"The {extreme} {objective.metric} of {_points_text(results)} is"
        f" {_mean_text(trials, objective.metric)} ({seeds}), at point {point['point']}:"
        f" {_settings_text(results, point)}."
    )
    accuracy = _accuracy_text(trials, "Its test accuracy is")
    if accuracy:
        sentence += f" {accuracy}."
    sentences = [sentence, *_tied_sentence(results)]
    if len(results.points) > 1:
        sentences.append(
            "It was chosen among them by its luck too: expect less of it on fresh seeds (confirm:)."
        )
    return sentences


def _mean_text(trials: pd.DataFrame, metric: str, level: float = LEVEL) -> str:
    """Return the objective's mean over trials, with its interval."""
    return cell_text(metric_mean(trials["value"], metric, level), metric_text_header(metric))


def _seeds_text(count: int, kind: str = "") -> str:
    return f"one {kind}seed" if count == 1 else f"{count} {kind}seeds"


def _points_text(results: Frames) -> str:
    count = int(results.points["value"].notna().sum())
    return f"{count} complete points" if count > 1 else "the one complete point"


def _accuracy_text(trials: pd.DataFrame, lead: str, level: float = LEVEL) -> str:
    """Return ``, test accuracy 0.8569 [0.81, 0.89] over seeds and images``; empty without one."""
    if not has_figure(trials, "test_accuracy"):
        return ""
    accuracy = mean_test_accuracy(trials, level)
    over = " over seeds and images" if accuracy.known else ""
    return f"{lead} {cell_text(accuracy, _FIGURE)}{over}"


def _settings_text(results: Frames, point: Mapping[str, Any]) -> str:
    """Return a point's settings in words: ``optimizer sgd, lr 0.1``."""
    parts = []
    for name in varied_settings(results):
        value = as_cell(point.get(name))
        if value is not None:
            parts.append(f"{short_name(name)} {cell_text(value, Header(''))}")
    return ", ".join(parts) or "the recipe as it stands"


def _first_sentence(results: Frames, point: Mapping[str, Any]) -> list[str]:
    """Return how the best point differs from the first that was written into the study file.

    It is no test, since the best was chosen.
    """
    is_first = results.points["entry"] == 0
    has_value = results.points["value"].notna()
    firsts = results.points[is_first & has_value]
    if not len(firsts):
        return []
    first = firsts.iloc[0]
    if first["point"] == point["point"]:
        return []
    gap = float(point["value"]) - float(first["value"])
    return [
        f"From first[0] (point {int(first['point'])}) it differs by {format_number(gap, 4, True)};"
        " as it was chosen for that, only fresh seeds could tell whether it is more than luck."
    ]


def _effort(results: Frames) -> str:
    """Return what was run, and what it took, with the points that were dropped since."""
    dropped = len(results.dropped)
    trials = results.with_dropped().trials
    searched = search_trials(trials)
    counts = searched["state"].value_counts()
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"
    confirmations = len(trials) - len(searched)
    more = f", {confirmations} more on fresh seeds" if confirmations else ""
    gpu_hours = trials["gpu_seconds"].sum() / SECONDS_AN_HOUR
    on_gpu = f" and {gpu_hours:.2f} GPU hours" if gpu_hours else ""
    but = f"; {count_text(dropped, 'point')} of them dropped" if dropped else ""
    duration = duration_text(float(trials["wall_seconds"].sum()))
    proposed = len(results.points) + dropped
    return (
        f"{proposed} points were proposed and {len(searched)} trials begun ({states})"
        f"{more}, which took {duration} of workers' time{on_gpu}{_money_words(trials)}{but}."
    )


def _money_words(trials: pd.DataFrame) -> str:
    """Return what trials have cost; empty without prices."""
    if not has_money(trials):
        return ""
    currency = currency_of(trials) or ""
    text = f", and cost {money_text(float(trials['money'].sum()), currency)}"
    lost = float(trials["lost_money"].sum())
    if lost:
        text += f" ({money_text(lost, currency)} of it for work done again)"
    return text
