"""The bars of pruners."""

from __future__ import annotations

from analysis.plots.replays import replays_plot

from ..tables.test_replays import OPEN, RULE


def test_each_pruner_has_its_bar_and_its_winner() -> None:
    named = RULE | {"pruner": "{name: asha, min_epochs: 1, reduction: 4}"}
    svg = replays_plot([RULE, OPEN, named]).svg
    for text in ("none", "asha, min_epochs: 1", "reduction: 4", "point 3, loss 0"):
        assert text in svg
    assert "winner not known" in svg
    assert 'role="img"' in svg
