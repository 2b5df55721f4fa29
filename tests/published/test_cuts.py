"""The cuts of published studies train what was published, but for what they say that they change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from study.spec.load import load_spec, spec_from_tree
from study.spec.spec import StudySpec
from study.training.recipe.recipe_paths import values_by_path

from .on_a_cpu.__main__ import trained
from .on_a_cpu.cuts import CUTS, Cut
from .on_a_cpu.table import FIGURES

LENGTHS = {"epochs", "target", "target.name", "target.metric", "target.value"}

OF_THE_NETWORK = {"model.variant", "model.dropout"}
"""What each network has its own defaults of."""


def recipe_of(spec: StudySpec, entry: int) -> dict[str, Any]:
    """Every setting of an entry by its path, defaults too."""
    training = spec.training(spec.first_values(entry))
    return values_by_path(training.tree(0))


@pytest.mark.parametrize("cut", CUTS, ids=[cut.name for cut in CUTS])
def test_a_cut_changes_lengths_and_what_it_names(cut: Cut) -> None:
    shipped, ours = load_spec(cut.source), spec_from_tree(cut.tree())
    for position, entry in enumerate(cut.entries):
        theirs, mine = recipe_of(shipped, entry), recipe_of(ours, position)
        differing = {path for path in {**theirs, **mine} if theirs.get(path) != mine.get(path)}
        changes = values_by_path(cut.changes)
        named = {path for path, value in changes.items() if theirs.get(path) != value}
        own = OF_THE_NETWORK if "model.name" in named else set()
        assert differing - LENGTHS - own == named
        published = shipped.first[entry].published
        reached = [row for row in published if cut.since <= row.get("epoch", 0) <= cut.epochs]
        assert reached or not any(figure in row for row in published for figure in FIGURES)
        assert list(ours.first[position].published) == reached


def test_a_schedule_keeps_the_length_that_was_published() -> None:
    annt = next(cut for cut in CUTS if cut.source == "annt_replica")
    recipe = recipe_of(spec_from_tree(annt.tree()), 0)
    assert recipe["schedule.name"] == "onecycle"
    assert recipe["epochs"] == 30
    assert recipe["target.value"] == 0.0


def test_another_note_trains_the_same_and_another_length_does_not() -> None:
    cut = CUTS[0]
    noted, longer = cut.tree(), replace(cut, epochs=cut.epochs + 1).tree()
    noted["first"][0]["published"][0]["note"] = "another"
    assert trained(noted) == trained(cut.tree())
    assert trained(longer) != trained(cut.tree())
