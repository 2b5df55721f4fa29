from __future__ import annotations

import math

from analysis.report.summary import answer_sentences
from analysis.tables.points.confirmation import confirmation_table
from analysis.tables.points.winners import winners_table
from analysis.tables.warnings import warning_texts

from ...coverage.scenarios import column
from ..settings.test_effects import method_study


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
