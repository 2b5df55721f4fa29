from __future__ import annotations

import random

from analysis.frames import Frames
from analysis.report.summary import answer_sentences
from analysis.report.verdicts import winners_sentences

from ..coverage.worlds import World, lr, spec_of
from ..tables.settings.test_effects import method_study

FIRST = [{"set": {"optimizer": {"name": "sgd", "lr": 0.1}}}]


def against_baseline(gain: float, noise: float, seeds: int = 5) -> Frames:
    draw, world = (
        random.Random(0),
        World(spec_of(confirm={"top": 1, "replicates": seeds, "against": "first[0]"}, first=FIRST)),
    )
    world.whole(lr(0.1), [0.80], entry=0)
    world.whole(lr(0.2), [0.90])
    common = [draw.gauss(0, 0.01) for _ in range(seeds)]
    world.confirm(0, [0.80 + shift + draw.gauss(0, noise) for shift in common])
    world.confirm(1, [0.80 + gain + shift + draw.gauss(0, noise) for shift in common])
    return world.results


def test_the_report_says_what_both_reach_and_how_they_differ() -> None:
    text = " ".join(answer_sentences(against_baseline(0.05, 0.002)))
    assert "nan" not in text
    assert "Point 1 reaches 0.8" in text
    assert "the baseline, point 0, 0.7" in text
    assert "so it is better" in text


def test_levels_of_one_law_have_no_order_and_far_ones_have() -> None:
    far = method_study(8, 0)
    assert "no order can be told" in " ".join(answer_sentences(far.results))
    for number in range(8):
        far.whole(
            {"optimizer.name": "adam", "optimizer.lr": 0.5 + 0.01 * number}, [0.9 + 0.001 * number]
        )
        far.whole(
            {"optimizer.name": "sgd", "optimizer.lr": 0.5 + 0.01 * number}, [0.5 + 0.001 * number]
        )
    assert "adam leads." in " ".join(answer_sentences(far.results))


def test_whoever_has_more_fresh_seeds_does_not_lead_by_them() -> None:
    """Point 1 has five, three of which are lucky; on the two that both have it is worse."""
    world = World(spec_of(confirm={"top": 2, "replicates": 5}, points=2))
    world.whole(lr(0.1), [0.80])
    world.whole(lr(0.2), [0.81])
    world.confirm(0, [0.700, 0.720])
    world.confirm(1, [0.680, 0.6995, 0.9, 0.9, 0.9])
    (sentence,) = winners_sentences(world.results)
    assert "point 0 against point 1: +0.0202" in sentence
    assert sentence.endswith("point 0 leads.")
