"""Fresh seeds: values, verdicts, winners against each other, and what the report says of them."""

from __future__ import annotations

import math
import random

import pytest

from analysis.frames import Frames
from analysis.report.summary import answer_sentences
from analysis.tables.points.confirmation import confirmation_table
from analysis.tables.points.leaderboard import leaderboard_table
from analysis.tables.points.winners import winners_table
from analysis.tables.warnings import warning_texts

from ..coverage.scenarios import column
from ..coverage.worlds import World, lr, spec_of
from .test_effects import method_study

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


@pytest.mark.parametrize(
    ("gain", "said"), [(0.05, "better"), (-0.05, "worse"), (0.0, "cannot tell")]
)
def test_the_verdict_is_that_of_the_interval_beside_it(gain: float, said: str) -> None:
    shown = confirmation_table(against_baseline(gain, 0.002))
    row = column(shown, "role").index("chosen")
    assert column(shown, "verdict")[row] == said
    found = column(shown, "over the baseline")[row]
    assert found.estimate.excludes_zero == (said != "cannot tell") == (found.p < 0.05)


def test_only_the_chosen_are_compared_with_their_search() -> None:
    shown = confirmation_table(against_baseline(0.05, 0.002))
    by_role = dict(zip(column(shown, "role"), column(shown, "fresh less search"), strict=True))
    assert by_role["baseline"] is None
    assert by_role["chosen"].value == pytest.approx(
        column(shown, "val_accuracy on fresh seeds")[0].value - 0.9
    )


def test_the_report_says_what_both_reach_and_how_they_differ() -> None:
    text = " ".join(answer_sentences(against_baseline(0.05, 0.002)))
    assert "nan" not in text
    assert "Point 1 reaches 0.8" in text
    assert "the baseline, point 0, 0.7" in text
    assert "so it is better" in text


def test_the_reports_first_sentence_is_the_value_on_fresh_seeds() -> None:
    first = answer_sentences(against_baseline(0.05, 0.002))[0]
    assert first.startswith(
        "Of 2 points trained on 5 fresh seeds point 1 has the highest val_accuracy, 0.8"
    )
    assert "(0.9000 in the search, as one of 2 complete points)" in first


def test_winners_meet_in_pairs_with_intervals_that_hold_together() -> None:
    world = method_study(4, 3)
    world.confirm(6, [0.61, 0.62, 0.66])
    world.confirm(7, [0.71, 0.73, 0.755])
    results = world.results
    shown = winners_table(results)
    assert column(shown, "optimizer.name") == ["adam"]
    assert column(shown, "verdict") == ["better"]
    assert "adam leads." in " ".join(answer_sentences(results))


def test_a_winner_that_lost_a_fresh_seed_is_compared_without_an_interval() -> None:
    world = method_study(4, 3)
    world.confirm(6, [0.61, 0.62, 0.66])
    world.confirm(7, [0.71, 0.73])
    world.trial(7, 1002, [0.1], state="FAIL", kind="confirm")
    results = world.results
    found = column(winners_table(results), "difference in val_accuracy")[0]
    assert not found.estimate.known
    assert math.isnan(found.p)
    row = column(confirmation_table(results), "point").index(7)
    assert column(confirmation_table(results), "other seeds")[row] == "1 lost (diverged)"
    assert any("1 fresh seed ended without a value" in text for text in warning_texts(results))
    assert "leads" not in " ".join(answer_sentences(results))
    assert "Point 7 was chosen too, and lost fresh seeds" in " ".join(answer_sentences(results))
    assert column(winners_table(results), "verdict") == [None]


def test_a_confirmation_that_is_not_finished_is_warned_of() -> None:
    world = method_study(4, 3)
    world.confirm(6, [0.61, 0.62, 0.66])
    world.trial(7, 1000, [0.7], kind="confirm")
    results = world.results
    assert any("2 fresh seeds to come" in text for text in warning_texts(results))
    shown = leaderboard_table(results)
    assert set(column(shown, "ranked by")) == {None}, (
        "the search's order stands until all are confirmed"
    )
    assert results.best()["point"] == 7
    assert "0.6300" in shown.text(), "what is known of fresh seeds stands beside"
    assert any("confirmation is not over" in note for note in shown.notes)


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
