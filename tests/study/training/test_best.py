"""With ``at: best`` the best epoch's weights are kept, tested and exported; training goes on from
the last ones.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from study.files.local_storage import LocalPath
from study.inspection.export.network import export_network
from study.training.best import BestBy
from study.training.checkpoint import Checkpoints
from study.training.epoch_row import EpochRow
from study.training.loop import train
from study.training.recipe.recipe import Recipe

from .conftest import Memory, exported_metrics, timeless, trained
from .test_resume import same

WAYS = [
    BestBy("val_loss", "minimize"),
    BestBy("val_loss", "maximize"),
    BestBy("val_accuracy", "maximize"),
]
RATES = [0.003, 0.05]
PARTS = ("model", "optimizer", "arithmetic", "learning_rate", "length", "random", "step")


@pytest.fixture
def recipe(tiny: Callable[..., Recipe]) -> Callable[[float], Recipe]:
    return lambda lr: tiny(epochs=5, optimizer={"name": "adam", "lr": lr}, data={"batch_size": 8})


def best_epoch(rows: list[EpochRow], by: BestBy) -> int:
    values = [float(row[by.metric]) for row in rows]
    return 1 + values.index(max(values) if by.direction == "maximize" else min(values))


def test_the_ways_differ_in_their_best_epoch(recipe: Callable[[float], Recipe]) -> None:
    found = {best_epoch(trained(recipe(lr))[0], by) for lr in RATES for by in WAYS}
    assert len(found) > 2, "the best epoch is always the same: these tests show nothing"


@pytest.mark.parametrize("lr", RATES)
@pytest.mark.parametrize("by", WAYS)
def test_the_best_weights_are_those_of_that_epoch_and_training_is_the_same_as_without(
    recipe: Callable[[float], Recipe], lr: float, by: BestBy
) -> None:
    plain, kept = Memory(), Memory()
    rows, outcome = trained(recipe(lr), checkpoint=plain)
    again, with_best = trained(recipe(lr), checkpoint=kept, best_by=by)
    assert timeless(again) == timeless(rows)
    for epoch in range(1, 6):
        assert "best" not in plain.state(epoch)
        for part in PARTS:
            assert same(kept.state(epoch)[part], plain.state(epoch)[part]), part
        best = best_epoch(rows[:epoch], by)
        assert kept.state(epoch)["best"]["epoch"] == best
        assert kept.state(epoch)["best"]["value"] == rows[best - 1][by.metric]
        assert same(kept.state(epoch)["best"]["model"], plain.state(best)["model"])
    assert (outcome.summary["test_epoch"], with_best.summary["test_epoch"]) == (
        5,
        best_epoch(rows, by),
    )


@pytest.mark.parametrize("by", WAYS)
def test_the_test_figures_are_those_of_a_training_that_ends_with_the_best_epoch(
    recipe: Callable[[float], Recipe], by: BestBy
) -> None:
    rows, outcome = trained(recipe(0.05), best_by=by)
    shorter = recipe(0.05).model_copy(update={"epochs": best_epoch(rows, by)})
    _, reference = trained(shorter)
    for figure in ("test_loss", "test_accuracy", "test_f1"):
        assert outcome.summary[figure] == reference.summary[figure]


@pytest.mark.parametrize("after", [1, 2, 3, 4])
@pytest.mark.parametrize("by", WAYS)
def test_resumed_it_is_as_if_never_stopped(
    recipe: Callable[[float], Recipe], by: BestBy, after: int
) -> None:
    whole = Memory()
    rows, outcome = trained(recipe(0.05), checkpoint=whole, best_by=by)
    parts = Memory(whole.kept, upto=after)
    rest, again = trained(recipe(0.05), checkpoint=parts, reported=after, best_by=by)
    assert timeless(rest) == timeless(rows[after:])
    for part in (*PARTS, "best"):
        assert same(parts.state(5)[part], whole.state(5)[part]), part
    for figure in ("test_epoch", "test_loss", "test_accuracy"):
        assert again.summary[figure] == outcome.summary[figure]


@pytest.mark.parametrize("by", WAYS)
def test_trained_on_for_more_epochs_it_is_as_if_it_had_been_to_last_so_long(
    recipe: Callable[[float], Recipe], by: BestBy
) -> None:
    longer, store = recipe(0.05), Memory()
    rows, outcome = trained(longer, best_by=by)
    trained(longer.model_copy(update={"epochs": 3}), checkpoint=store, best_by=by)
    rest, again = trained(longer, checkpoint=store, reported=3, best_by=by)
    assert timeless(rest) == timeless(rows[3:])
    assert again.summary["test_epoch"] == best_epoch(rows, by)
    assert again.summary["test_loss"] == outcome.summary["test_loss"]


@pytest.mark.parametrize("by", [*WAYS, None])
def test_exported_weights_give_exactly_the_reported_test_figures(
    recipe: Callable[[float], Recipe], tmp_path: Path, by: BestBy | None
) -> None:
    store = Checkpoints(LocalPath(tmp_path / "checkpoints"))
    rows, outcome = trained(recipe(0.05), checkpoint=store, best_by=by)
    epoch = export_network(store.folder, recipe(0.05), tmp_path / "home").epoch
    assert epoch == outcome.summary["test_epoch"] == (best_epoch(rows, by) if by else 5)
    figures = exported_metrics(tmp_path / "home")
    assert figures["accuracy"] == outcome.summary["test_accuracy"]
    assert figures["loss"] == outcome.summary["test_loss"]


def test_a_training_that_is_stopped_has_no_test_figures_whatever_was_best(
    recipe: Callable[[float], Recipe],
) -> None:
    outcome = train(recipe(0.05), report=lambda row: int(row["epoch"]) < 2, best_by=WAYS[0])
    assert outcome.stop_reason == "stopped"
    assert outcome.summary["test_epoch"] is None
    assert "test_loss" not in outcome.summary


def test_a_column_that_no_row_has_leaves_the_last_epoch(recipe: Callable[[float], Recipe]) -> None:
    store = Memory()
    _, outcome = trained(recipe(0.05), checkpoint=store, best_by=BestBy("parameters", "minimize"))
    assert outcome.summary["test_epoch"] == 5
    assert "best" not in store.state(5)


def test_after_a_checkpoint_that_knows_of_no_best_epoch_none_is_made_up(
    recipe: Callable[[float], Recipe],
) -> None:
    store = Memory()
    trained(recipe(0.05), checkpoint=store)
    _, outcome = trained(
        recipe(0.05),
        checkpoint=Memory(store.kept, upto=2),
        reported=2,
        best_by=BestBy("val_loss", "maximize"),
    )
    assert outcome.summary["test_epoch"] == 5
