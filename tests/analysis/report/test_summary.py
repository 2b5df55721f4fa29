from __future__ import annotations

import random
from typing import Any

from analysis.frames import Frames
from analysis.report.summary import answer_sentences
from analysis.results import load

from ..coverage.worlds import World, lr, spec_of

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


def test_the_reports_first_sentence_is_the_value_on_fresh_seeds() -> None:
    first = answer_sentences(against_baseline(0.05, 0.002))[0]
    assert first.startswith(
        "Of 2 points trained on 5 fresh seeds point 1 has the highest val_accuracy, 0.8"
    )
    assert "(0.9000 in the search, as one of 2 complete points)" in first


def test_the_answer_weighs_the_best_against_the_first_and_the_levels(mixed: Any) -> None:
    sentences = " ".join(answer_sentences(load(mixed.paths)))
    assert "From first[0] (point 0) it differs by +0.0500; as it was chosen" in sentences
    assert "With 1 point each, the expected best by optimizer.name" in sentences
    assert "11 trials begun (8 COMPLETE, 2 FAIL, 1 PRUNED)" in sentences
