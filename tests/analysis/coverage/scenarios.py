"""What the tables claim, each as a scenario: a world is drawn, a table is asked, and the truth is
held against it.

A scenario gives one answer for each interval (does it hold the truth?) or verdict (is it a false
alarm?) of one world.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from analysis.rendering import Table
from analysis.report.verdicts import levels_sentences, winners_sentences
from analysis.results import Results
from analysis.statistics import Array, Difference, Estimate, seeds_needed
from analysis.statistics.power import seeds_for
from analysis.tables.comparison import comparison_table
from analysis.tables.effort.time_to_target import time_to_target_table
from analysis.tables.points.best_of_n import best_of_n_table
from analysis.tables.points.confirmation import confirmation_table
from analysis.tables.points.leaderboard import leaderboard_table
from analysis.tables.points.winners import winners_table
from analysis.tables.published.published import published_table
from analysis.tables.settings.effects import effects_table
from analysis.tables.settings.interactions import interactions_table
from analysis.tables.settings.level_effect import early_effect, level_effect, level_ratio
from study.spec.pruners import Asha

from .worlds import HEIGHT, SD, Noise, World, lr, pruned_rows, spec_of

Random = np.random.Generator
Answers = Iterator[bool]

INTERVAL, VERDICT = "interval", "verdict"


@dataclass(frozen=True)
class Scenario:
    """A claim of the tables: ``draw(random, noise, n)`` gives its answers in one world."""

    name: str
    kind: str
    sizes: tuple[int, ...]
    n_is: str
    draw: Callable[[Random, Noise, int], Answers]
    may_cover_more: bool = False
    """Whether it is exact for discrete laws or adjusted for several comparisons, and so may cover
    more than it says.
    """
    level: float = 0.95
    answers: int = 1
    """How many independent answers a world gives."""
    bounded_under_heavy_tails: bool = True
    """Whether the share has a bound under the law that no interval is right for."""
    slow: bool = False
    """Whether a world takes more than a few hundredths of a second."""


FEW = (2, 3, 5, 10)


def column(shown: Table, name: str) -> list[Any]:
    names = [header.name for header in shown.headers]
    return (
        [row[names.index(name)] for row in shown.rows]
        if name in names
        else [None] * len(shown.rows)
    )


def holds(found: Any, truth: float) -> Answers:
    """Whether an interval holds the truth; nothing where there is none."""
    estimate = found.estimate if isinstance(found, Difference) else found
    if isinstance(estimate, Estimate) and not math.isnan(estimate.low):
        yield estimate.low <= truth <= estimate.high


# -- leaderboard -----------------------------------------------------------------------


def seeds_of_a_point(random: Random, noise: Noise, n: int) -> Answers:
    """Each point's mean over its seeds against its true height."""
    world, heights = World(spec_of(replicates=n)), HEIGHT + SD * random.normal(size=10)
    for height in heights:
        world.whole(lr(random.uniform(0.01, 0.9)), height + SD * noise(random, n))
    shown = leaderboard_table(world.results)
    for point, found in zip(column(shown, "point"), column(shown, "val_accuracy"), strict=True):
        yield from holds(found, heights[point])


def seeds_and_images(random: Random, noise: Noise, n: int) -> Answers:
    """A test accuracy over seeds and 360 images against what new seeds and new images would
    give.
    """
    images, world, truth = 360, World(spec_of(replicates=n)), list[float]()
    for _ in range(5):
        easy = random.beta(
            6.0, 1.0, 200_000
        )  # how likely each image that there could be is classified right
        truth.append(float(easy.mean()))
        chosen, shifts = easy[:images], 0.01 * noise(random, n)
        right = [
            float((random.uniform(size=images) < np.clip(chosen + shift, 0, 1)).mean())
            for shift in shifts
        ]
        point = world.point(lr(random.uniform(0.01, 0.9)))
        for seed, accuracy in enumerate(right):
            said = {
                "test_accuracy": accuracy,
                "data_fingerprint": f"x, train 9, validation 9, test {images}, seed 0",
            }
            world.trial(point, seed, [HEIGHT], **said)
        world.tell(point, "COMPLETE", HEIGHT)
    shown = leaderboard_table(world.results)
    for point, found in zip(column(shown, "point"), column(shown, "test_accuracy"), strict=True):
        yield from holds(found, truth[point])


# -- effects ---------------------------------------------------------------------------

SWITCH = "accumulation"
TWO_LEVELS: dict[str, Any] = {
    "optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}},
    SWITCH: {"choice": [1, 2]},
}


def two_levels(random: Random, noise: Noise, n: int) -> Results:
    """n points at each of two levels that do nothing, each at a learning rate of its own."""
    world = World(spec_of(space=TWO_LEVELS))
    for level in (1, 2):
        for value in HEIGHT + SD * noise(random, n):
            world.whole(lr(random.uniform(0.01, 0.9), accumulation=level), [value])
    return world.results


def mean_of_a_level(random: Random, noise: Noise, n: int) -> Answers:
    for found in column(effects_table(two_levels(random, noise, n)), f"mean {'val_accuracy'}"):
        yield from holds(found, HEIGHT)


def difference_over_points(random: Random, noise: Noise, n: int) -> Answers:
    found = level_effect(two_levels(random, noise, n), SWITCH, 1, 2, 1)
    assert found.by == f"{2 * n} points"
    yield from holds(found.single, 0.0)


def difference_beside_two(random: Random, noise: Noise, n: int) -> Answers:
    """Two points at one level and n at the other."""
    world = World(spec_of(space=TWO_LEVELS))
    for level, count in ((1, 2), (2, n)):
        for value in HEIGHT + SD * noise(random, count):
            world.whole(lr(random.uniform(0.01, 0.9), accumulation=level), [value])
    yield from holds(level_effect(world.results, SWITCH, 1, 2, 1).single, 0.0)


def difference_over_pairs(random: Random, noise: Noise, n: int) -> Answers:
    """n pairs of points that agree in the learning rate, which does much."""
    world = World(spec_of(space=TWO_LEVELS))
    for rate in random.uniform(0.01, 0.9, n):
        for level in (1, 2):
            world.whole(
                lr(float(rate), accumulation=level), HEIGHT + 0.1 * rate + SD * noise(random, 1)
            )
    found = level_effect(world.results, SWITCH, 1, 2, 1)
    assert found.pairs == n
    yield from holds(found.single, 0.0)


def difference_over_seeds(random: Random, noise: Noise, n: int) -> Answers:
    """One point at each level and n seeds, whose luck is common to both."""
    world = World(spec_of(space={SWITCH: {"choice": [1, 2]}}, replicates=n))
    shared = SD * random.normal(size=n)
    for level in (1, 2):
        world.whole({SWITCH: level}, HEIGHT + shared + SD * noise(random, n))
    found = level_effect(world.results, SWITCH, 1, 2, 1)
    assert found.by == f"{n} seeds"
    yield from holds(found.single, 0.0)


BRANCHES: dict[str, Any] = {
    "optimizer": {
        "one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}, "adam": {"lr": {"log": [1e-3, 1]}}}
    },
    SWITCH: {"choice": [1, 2]},
}


def difference_of_branches(random: Random, noise: Noise, n: int) -> Answers:
    """A choice of optimizers that does nothing, n points of each; learning rates and another
    setting do much.
    """
    world = World(spec_of(space=BRANCHES))
    for name in ("sgd", "adam"):
        for value in SD * noise(random, n):
            rate, level = random.uniform(0.01, 0.9), int(random.integers(1, 3))
            values = {"optimizer.name": name, "optimizer.lr": rate, SWITCH: level}
            world.whole(values, [HEIGHT + 0.02 * (rate - 0.455) + 0.03 * level + value])
    if len(world.results.points[SWITCH].unique()) < 2:
        return
    yield from holds(level_effect(world.results, "optimizer.name", "sgd", "adam", 1).single, 0.0)


FOUR: dict[str, Any] = {
    "optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}},
    SWITCH: {"choice": [1, 2, 4]},
    "model": {"norm": {"choice": ["none", "every_conv", "every_conv_and_block"]}},
}


def all_together(random: Random, noise: Noise, n: int) -> Answers:
    """Whether all four intervals of a table hold at once, over n points for each combination of
    levels.
    """
    world = World(spec_of(space=FOUR, recipe={"epochs": 1, "model": "small_cnn"}))
    for level in (1, 2, 4):
        for norm in ("none", "every_conv", "every_conv_and_block"):
            for value in HEIGHT + SD * noise(random, n):
                world.whole(
                    lr(random.uniform(0.01, 0.9), **{SWITCH: level, "model.norm": norm}), [value]
                )
    found = column(effects_table(world.results), "all together")
    yield all(all(holds(one, 0.0)) for one in found)


ASHA = Asha(min_epochs=2, reduction=2)


def difference_at_the_first_decision(random: Random, noise: Noise, n: int) -> Answers:
    """n points at each of two levels that do nothing, with asha at work: the comparison where every
    point still is.
    """
    pruner = {"name": "asha", "min_epochs": 2, "reduction": 2}
    world = World(spec_of(space=TWO_LEVELS, pruner=pruner, recipe={"epochs": 8}))
    steps = np.arange(1, 9) / 8
    heights = HEIGHT + SD * noise(random, 2 * n)
    curves = heights[:, None] * steps**0.2 + 0.2 * SD * random.normal(size=(2 * n, 8))
    for number, rows in enumerate(pruned_rows(curves, ASHA, world.spec)):
        point = world.point(lr(random.uniform(0.01, 0.9), accumulation=1 + number % 2))
        whole = len(rows) == 8
        world.trial(point, 0, rows, "COMPLETE" if whole else "PRUNED")
        world.tell(point, "COMPLETE" if whole else "PRUNED", float(rows[-1]) if whole else None)
    yield from holds(early_effect(world.results, SWITCH, 1, 2, 2), 0.0)


def ratio_of_seconds(random: Random, noise: Noise, n: int) -> Answers:
    """n points at each level, whose epochs take the same time but for noise in proportion."""
    world = World(spec_of(space=TWO_LEVELS))
    for level in (1, 2):
        for seconds in np.exp(0.1 * noise(random, n)):
            point = world.point(lr(random.uniform(0.01, 0.9), accumulation=level))
            world.trial(point, 0, [HEIGHT, HEIGHT], epoch_seconds=float(seconds))
            world.tell(point, "COMPLETE", HEIGHT)
    yield from holds(level_ratio(world.results, "steady_epoch_seconds", SWITCH, 1, 2), 1.0)


CROSSED: dict[str, Any] = {
    "optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}},
    SWITCH: {"choice": [1, 2]},
    "model": {"norm": {"choice": ["none", "every_conv"]}},
}


def interaction(random: Random, noise: Noise, n: int, *, paired: bool) -> Answers:
    world = World(spec_of(space=CROSSED, recipe={"epochs": 1, "model": "small_cnn"}))
    for _ in range(n):
        common = random.uniform(0.01, 0.9)
        for level in (1, 2):
            for norm in ("none", "every_conv"):
                rate = common if paired else random.uniform(0.01, 0.9)
                height = HEIGHT + 0.02 * level + (0.1 * common if paired else 0.0)
                world.whole(
                    lr(rate, **{SWITCH: level, "model.norm": norm}), height + SD * noise(random, 1)
                )
    for found in column(interactions_table(world.results, SWITCH, "model.norm"), "interaction"):
        yield from holds(found, 0.0)


# -- budgets, confirmation, comparison -------------------------------------------------


@lru_cache
def expected_best(noise: Noise, n: int) -> float:
    return float(noise(np.random.default_rng(7), 200_000 * n).reshape(-1, n).max(axis=1).mean())


def best_of(random: Random, noise: Noise, n: int) -> Answers:
    """Every interval of the table for n points against the true expected best."""
    world = World(spec_of())
    for value in HEIGHT + SD * noise(random, n):
        world.whole(lr(random.uniform(0.01, 0.9)), [value])
    shown = best_of_n_table(world.results)
    for count, found in zip(
        column(shown, "points"), column(shown, "expected best val_accuracy"), strict=True
    ):
        yield from holds(found, HEIGHT + SD * expected_best(noise, count))


CONFIRMED = {"top": 3, "replicates": 5, "against": "first[0]"}
FIRST = [{"set": {"optimizer": {"name": "sgd", "lr": 0.1}}}]


def confirmed(
    random: Random, noise: Noise, n: int, spread: float
) -> tuple[World, dict[int, float]]:
    """A search of 12 points whose best three and first one get n fresh seeds; and the true height
    of each of these.
    """
    spec = spec_of(confirm={**CONFIRMED, "replicates": n}, first=FIRST, replicates=2, points=12)
    world, heights = World(spec), HEIGHT + spread * random.normal(size=12)
    searched = heights[:, None] + SD * noise(random, 24).reshape(12, 2)
    for number, seeds in enumerate(searched):
        world.whole(
            lr(0.1 if number == 0 else random.uniform(0.01, 0.9)),
            seeds,
            entry=0 if number == 0 else None,
        )
    best = list(np.argsort(-searched.mean(axis=1))[:3])
    shared = SD * random.normal(size=n)
    for point in dict.fromkeys([*best, 0]):
        world.confirm(int(point), heights[point] + shared + SD * noise(random, n))
    return world, {int(point): float(heights[point]) for point in dict.fromkeys([*best, 0])}


def fresh_value_of_the_chosen(random: Random, noise: Noise, n: int) -> Answers:
    """The values on fresh seeds of points that the search chose, against their true heights."""
    spec = spec_of(confirm={"top": 1, "replicates": n}, points=12)
    world, heights = World(spec), HEIGHT + SD * random.normal(size=12)
    searched = heights + SD * noise(random, 12)
    for value in searched:
        world.whole(lr(random.uniform(0.01, 0.9)), [value])
    best = int(np.argmax(searched))
    world.confirm(best, heights[best] + SD * noise(random, n))
    for found in column(confirmation_table(world.results), "val_accuracy on fresh seeds"):
        yield from holds(found, float(heights[best]))


def best_of_the_confirmed(random: Random, noise: Noise, n: int) -> Answers:
    """The best of five points of one true height, by the fresh seeds that its value is the mean
    of.
    """
    world = World(spec_of(confirm={"top": 5, "replicates": n}, points=5))
    for point in range(5):
        world.whole(lr(random.uniform(0.01, 0.9)), HEIGHT + SD * noise(random, 1))
        world.confirm(point, HEIGHT + SD * noise(random, n))
    best = world.results.best()
    assert best.standing == "confirmed"
    yield from holds(best.value, HEIGHT)


def over_the_baseline(random: Random, noise: Noise, n: int) -> Answers:
    """Whether all intervals over the baseline hold at once."""
    world, heights = confirmed(random, noise, n, SD)
    shown = confirmation_table(world.results)
    pairs = zip(column(shown, "point"), column(shown, "over the baseline"), strict=True)
    yield all(all(holds(found, heights[point] - heights[0])) for point, found in pairs)


def false_verdicts(random: Random, noise: Noise, n: int) -> Answers:
    """Whether any of the chosen is called better or worse than a baseline that is just as good."""
    world, _ = confirmed(random, noise, n, 0.0)
    yield bool({"better", "worse"} & set(column(confirmation_table(world.results), "verdict")))


METHODS: dict[str, Any] = {
    "optimizer": {
        "one_of": {name: {"lr": {"log": [1e-3, 1]}} for name in ("sgd", "adam", "rmsprop")},
    }
}


def method_study(
    random: Random, noise: Noise, points: int, fresh: int, levels: int = 3, **changes: Any
) -> World:
    """A method study of levels that are all alike, so many points each, the best of each on fresh
    seeds.
    """
    names = ("sgd", "adam", "rmsprop")[:levels]
    space = {
        "optimizer": {"one_of": {name: METHODS["optimizer"]["one_of"][name] for name in names}}
    }
    confirm = {"confirm": {"top": 1, "replicates": fresh}} if fresh else {}
    roles = {
        "roles": {"scientific": ["optimizer.name"], "nuisance": ["optimizer.lr"]},
        "mode": "method-study",
    }
    world = World(spec_of(space=space, points=points * levels, **confirm, **roles, **changes))
    shared = SD * random.normal(size=fresh)
    for name in names:
        values = HEIGHT + SD * noise(random, points)
        numbers = [
            world.whole(
                {"optimizer.name": name, "optimizer.lr": random.uniform(0.01, 0.9)}, [value]
            )
            for value in values
        ]
        if fresh:
            world.confirm(
                numbers[int(np.argmax(values))], HEIGHT + shared + SD * noise(random, fresh)
            )
    return world


def winners_together(random: Random, noise: Noise, n: int) -> Answers:
    """Whether all intervals of three winners against each other hold at once, on n fresh seeds."""
    found = column(
        winners_table(method_study(random, noise, 4, n).results), "difference in val_accuracy"
    )
    yield all(all(holds(one, 0.0)) for one in found)


def leads_on_fresh_seeds(random: Random, noise: Noise, n: int) -> Answers:
    sentences = winners_sentences(method_study(random, noise, 4, n).results)
    assert sentences
    yield " leads." in sentences[0]


def leads_by_budget(random: Random, noise: Noise, n: int, levels: int) -> Answers:
    sentences = levels_sentences(method_study(random, noise, n, 0, levels).results)
    assert sentences
    yield " leads." in sentences[0]


def two_studies(
    random: Random, noise: Noise, n: int, spread: float
) -> tuple[list[Results], list[Array]]:
    """Two studies of 12 points with n seeds each, and the true heights of their points."""
    studies, heights = [], []
    for name in ("a", "b"):
        world = World(spec_of(study=name, replicates=n, points=12))
        heights.append(HEIGHT + spread * random.normal(size=12))
        for height in heights[-1]:
            world.whole(lr(random.uniform(0.01, 0.9)), height + SD * noise(random, n))
        studies.append(world.results)
    return studies, heights


def leads_by_spread(random: Random, noise: Noise, n: int) -> Answers:
    """Two levels of one expected best, of which one scatters three times as much."""
    compared = max(1, n // 4)
    space = {
        "optimizer": {
            "one_of": {name: METHODS["optimizer"]["one_of"][name] for name in ("sgd", "adam")}
        }
    }
    roles = {
        "roles": {"scientific": ["optimizer.name"], "nuisance": ["optimizer.lr"]},
        "mode": "method-study",
    }
    world = World(spec_of(space=space, points=2 * n, **roles))
    for name, spread in (("sgd", SD), ("adam", 3 * SD)):
        for value in spread * (noise(random, n) - expected_best(noise, compared)):
            world.whole(
                {"optimizer.name": name, "optimizer.lr": random.uniform(0.01, 0.9)},
                [HEIGHT + value],
            )
    (sentence,) = levels_sentences(world.results)
    yield " leads." in sentence


def compared_studies(random: Random, noise: Noise, n: int) -> Answers:
    """Whether two studies of points that are all alike are told apart (any p below 0.05)."""
    studies, _ = two_studies(random, noise, n, 0.0)
    found = column(comparison_table(*studies), "difference")
    yield any(one.p < 0.05 for one in found if isinstance(one, Difference))


def difference_of_best_points(random: Random, noise: Noise, n: int) -> Answers:
    """The difference of two studies' best points against that of their true heights."""
    studies, heights = two_studies(random, noise, n, SD)
    shown = comparison_table(*studies)
    a, b = (heights[i][column(shown, name)[0]] for i, name in enumerate(("a", "b")))
    yield from holds(column(shown, "difference")[1], b - a)


def further_seeds(random: Random, noise: Noise, n: int) -> Answers:
    """The printed range of the seeds that a difference of one deviation needs, against the true
    number.
    """
    found = seeds_needed(1.0 + (noise(random, n) - noise(random, n)) / math.sqrt(2))
    assert found is not None
    yield found.low <= seeds_for(1.0) <= found.high


THEIRS = 0.6
REPLICA = [
    {
        "set": {"optimizer": {"name": "sgd", "lr": 0.1}},
        "published": [{"epoch": 1, "val_accuracy": THEIRS}],
    }
]


def published_difference(random: Random, noise: Noise, n: int) -> Answers:
    """Our n seeds less a published figure that is one more run of the very same law."""
    world, truth = (
        World(spec_of(first=REPLICA, replicates=n)),
        THEIRS - SD * float(noise(random, 1)[0]),
    )
    world.whole(lr(0.1), truth + SD * noise(random, n), entry=0)
    for found in column(published_table(world.results), "difference"):
        yield from holds(found, 0.0)


EPOCHS = np.arange(1, 17)
TARGET = 0.5


def rising(random: Random, noise: Noise, n: int) -> Array:
    """Curves (n, epochs) that rise to one height at speeds of their own; half reach TARGET by their
    seventh epoch.
    """
    speeds = np.exp(0.6 * noise(random, n))[:, None]
    return HEIGHT * (1 - np.exp(-EPOCHS * speeds / 3.6)) + 0.002 * random.normal(
        size=(n, len(EPOCHS))
    )


@lru_cache
def median_epochs(noise: Noise) -> float:
    reached = rising(np.random.default_rng(11), noise, 100_001) >= TARGET
    return float(np.median(np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, np.inf)))


def time_to_reach(random: Random, noise: Noise, n: int) -> Answers:
    """The median time of n points with asha at work, against that of points which all run to their
    end.
    """
    pruner = {"name": "asha", "min_epochs": 2, "reduction": 2}
    world = World(spec_of(pruner=pruner, recipe={"epochs": len(EPOCHS)}))
    for rows in pruned_rows(rising(random, noise, n), ASHA, world.spec):
        whole = len(rows) == len(EPOCHS)
        point = world.point(lr(random.uniform(0.01, 0.9)))
        world.trial(point, 0, rows, "COMPLETE" if whole else "PRUNED")
        world.tell(point, "COMPLETE" if whole else "PRUNED", float(rows[-1]) if whole else None)
    shown = time_to_target_table(world.results, target=TARGET)
    found = column(shown, "median epochs")[-1]
    yield from holds(found, median_epochs(noise))


SCENARIOS = (
    Scenario(
        "leaderboard: mean over seeds",
        INTERVAL,
        FEW,
        "seeds",
        seeds_of_a_point,
        answers=10,
        slow=True,
    ),
    Scenario(
        "leaderboard: test accuracy over seeds and images",
        INTERVAL,
        FEW,
        "seeds",
        seeds_and_images,
        True,
        slow=True,
    ),
    Scenario("effects: mean of a level", INTERVAL, FEW, "points a level", mean_of_a_level),
    Scenario(
        "effects: difference over points", INTERVAL, FEW, "points a level", difference_over_points
    ),
    Scenario(
        "effects: difference of 2 points from n",
        INTERVAL,
        (3, 5, 10, 20),
        "points",
        difference_beside_two,
        True,
    ),
    Scenario("effects: difference over pairs", INTERVAL, FEW, "pairs", difference_over_pairs),
    Scenario("effects: difference over seeds", INTERVAL, FEW, "seeds", difference_over_seeds),
    Scenario(
        "effects: difference of one_of branches",
        INTERVAL,
        (5, 10, 12, 30),
        "points a level",
        difference_of_branches,
    ),
    Scenario(
        "effects: all four differences at once",
        INTERVAL,
        FEW,
        "points a cell",
        all_together,
        True,
        slow=True,
    ),
    Scenario(
        "effects: at asha's first decision",
        INTERVAL,
        FEW,
        "points a level",
        difference_at_the_first_decision,
    ),
    Scenario("effects: ratio of epoch seconds", INTERVAL, FEW, "points a level", ratio_of_seconds),
    Scenario(
        "interactions: over pairs",
        INTERVAL,
        FEW,
        "blocks",
        lambda r, noise, n: interaction(r, noise, n, paired=True),
    ),
    Scenario(
        "interactions: over points",
        INTERVAL,
        FEW,
        "points a cell",
        lambda r, f, n: interaction(r, f, n, paired=False),
    ),
    Scenario("best of n", INTERVAL, (5, 10, 20, 40), "points", best_of),
    Scenario(
        "confirmation: value on fresh seeds",
        INTERVAL,
        FEW,
        "fresh seeds",
        fresh_value_of_the_chosen,
    ),
    Scenario(
        "confirmation: value of the best of five",
        INTERVAL,
        FEW,
        "fresh seeds",
        best_of_the_confirmed,
        True,
        bounded_under_heavy_tails=False,
    ),
    Scenario(
        "confirmation: all over the baseline at once",
        INTERVAL,
        FEW,
        "fresh seeds",
        over_the_baseline,
        True,
        slow=True,
    ),
    Scenario(
        "winners: all three differences at once",
        INTERVAL,
        FEW,
        "fresh seeds",
        winners_together,
        True,
        slow=True,
    ),
    Scenario(
        "compare: difference of the best points",
        INTERVAL,
        FEW,
        "seeds",
        difference_of_best_points,
        True,
        slow=True,
    ),
    Scenario(
        "published: difference from one more run", INTERVAL, FEW, "seeds", published_difference
    ),
    Scenario(
        "time to target: median, with asha at work",
        INTERVAL,
        (6, 10, 16, 30),
        "points",
        time_to_reach,
        True,
    ),
    Scenario("further seeds", INTERVAL, FEW, "seeds", further_seeds, True),
    Scenario("confirmation: better or worse", VERDICT, FEW, "fresh seeds", false_verdicts),
    Scenario(
        "report: a level leads, on fresh seeds", VERDICT, FEW, "fresh seeds", leads_on_fresh_seeds
    ),
    Scenario(
        "report: one of two levels leads, at equal budget",
        VERDICT,
        (4, 6, 12, 30),
        "points a level",
        lambda r, noise, n: leads_by_budget(r, noise, n, 2),
    ),
    Scenario(
        "report: a level of wider spread leads",
        VERDICT,
        (4, 6, 12, 30),
        "points a level",
        leads_by_spread,
    ),
    Scenario(
        "report: one of three levels leads, at equal budget",
        VERDICT,
        (4, 6, 12, 30),
        "points a level",
        lambda r, noise, n: leads_by_budget(r, noise, n, 3),
    ),
    Scenario(
        "compare: any difference of two like studies",
        VERDICT,
        FEW,
        "seeds",
        compared_studies,
        slow=True,
    ),
)
