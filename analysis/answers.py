"""The study's answer in sentences, each with its figures."""

from __future__ import annotations

from analysis import statistics
from analysis.budget import draws
from analysis.confirmation import confirmation, versus
from analysis.costs import HOUR, duration
from analysis.levels import scientific
from analysis.query import Results
from analysis.table import Header, number, shown
from analysis.views import cell, complete, goal, metric_mean, search, settings

FIGURE = Header("", digits=4)
CHANGE = Header("", digits=4, signed=True)


def answer(results: Results) -> list[str]:
    """The answer of one study, sentence by sentence, the most important first."""
    if not results.points["value"].notna().any():
        return ["No point is complete yet, so there is no answer.", effort(results)]
    sentences = [best_sentence(results), *confirmed(results), *first_sentence(results), *levels_sentence(results)]
    return [*sentences, effort(results)]


def best_sentence(results: Results) -> str:
    aim, best = goal(results), results.best()
    trials = complete(search(results.trials))
    own = trials[(trials["point"] == best["point"]) & (trials["study"] == best["study"])]
    value = shown(metric_mean(own["value"], aim.metric), FIGURE)
    seeds = f"the mean of {len(own)} seeds with its 95 % interval" if len(own) > 1 else "one seed"
    test = metric_mean(own["test_accuracy"], "test_accuracy")
    tested = f" Its test accuracy is {shown(test, FIGURE)}." if test.n else ""
    done = int((results.points["state"] == "COMPLETE").sum())
    among = f"{done} complete points" if done > 1 else "the one complete point"
    return (
        f"The {'lowest' if aim.smallest else 'highest'} {aim.metric} of {among} is {value} ({seeds}), "
        f"at point {best['point']}: {described(results, best)}.{tested}"
    )


def described(results: Results, point: dict[str, object]) -> str:
    """A point's settings in words: ``optimizer sgd, lr 0.1``."""
    parts = []
    for name in settings(results):
        value = cell(point.get(name))
        if value is not None:
            text = shown(value, Header(""))
            parts.append(f"{name.removesuffix('.name').rpartition('.')[2]} {text}")
    return ", ".join(parts) or "the recipe as it stands"


def first_sentence(results: Results) -> list[str]:
    """The best point against the first that was written into the study file."""
    best = results.best()
    firsts = results.points[(results.points["entry"] == 0) & results.points["value"].notna()]
    if not len(firsts) or firsts.iloc[0]["point"] == best["point"]:
        return []
    trials = complete(search(results.trials))
    number_of = int(firsts.iloc[0]["point"])
    difference = versus(trials[trials["point"] == best["point"]], trials[trials["point"] == number_of])
    if not difference.estimate.known:
        return [f"It differs by {number(difference.estimate.value, 4, True)} from first[0], without an interval."]
    told = "" if difference.estimate.excludes_zero else ", which can't be told from zero"
    return [f"Over first[0] (point {number_of}) that is {shown(difference, CHANGE)}{told}; the best was chosen for it."]


def levels_sentence(results: Results) -> list[str]:
    """The levels of the scientific factor at equal budget."""
    factor = scientific(results)
    samples = draws(results, factor) if factor else {}
    if len(samples) < 2:
        return []
    n = min(len(values) for values in samples.values())
    smallest = goal(results).smallest
    found = {level: statistics.best_of_n_curve(v, [n], smallest=smallest)[n] for level, v in samples.items()}
    order = sorted(found, key=lambda level: found[level].value, reverse=not smallest)
    parts = "; ".join(f"{level} {shown(found[level], FIGURE)}" for level in order)
    apart = separated(found[order[0]], found[order[1]])
    verdict = f"{order[0]} leads" if apart else "the intervals overlap, so no order can be told"
    points = f"{n} points" if n > 1 else "1 point"
    return [f"With {points} each, the expected best by {factor} is: {parts}; {verdict}."]


def separated(one: statistics.Estimate, other: statistics.Estimate) -> bool:
    return one.known and other.known and (one.low > other.high or one.high < other.low)


def confirmed(results: Results) -> list[str]:
    """The verdicts on fresh seeds, where there are any."""
    sentences = []
    for row in confirmation(results).frame().to_dict("records"):
        if row.get("verdict"):
            seeds = row["fresh seeds"]
            metric = goal(results).metric
            fresh = number(float(row[f"{metric} on fresh seeds"]), 4)
            sentences.append(
                f"On {seeds} fresh seeds point {row['point']} reaches {fresh} against the baseline: {row['verdict']}."
            )
    return sentences


def effort(results: Results) -> str:
    """What was run, and what it took."""
    trials = results.trials
    counts = trials["state"].value_counts()
    states = ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"
    gpu = trials["gpu_seconds"].sum() / HOUR
    on_gpu = f" and {gpu:.2f} GPU hours" if gpu else ""
    return (
        f"{len(results.points)} points were proposed and {len(trials)} trials begun ({states}), which took "
        f"{duration(float(trials['wall_seconds'].sum()))} of workers' time{on_gpu}."
    )
