"""Evaluation: the figures of all images at once, by their own logits or by those of their mirror
images too.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from sklearn.metrics import f1_score, precision_score, recall_score
from torch import nn
from torch.nn import functional

from study.training.loop import train
from study.training.metrics import RunningMeans, classification_metrics, evaluate
from study.training.optim.loss import LossValues
from study.training.optim.precision import MixedPrecision
from study.training.recipe.recipe import Recipe

CPU = torch.device("cpu")


def test_mirrored_evaluation_is_by_the_mean_of_both_views() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 5)).eval()
    images, labels = torch.randn(12, 3, 4, 4), torch.arange(12) % 5
    batches = list(zip(images.split(5), labels.split(5), strict=True))
    with torch.no_grad():
        one, other = network(images), network(torch.flip(images, dims=[-1]))
    for mirrored, logits in ((False, one), (True, (one + other) / 2)):
        found = evaluate(
            network, MixedPrecision("fp32", CPU), lambda: None, batches, mirrored=mirrored
        )
        torch.testing.assert_close(found["loss"], float(functional.cross_entropy(logits, labels)))
        assert found["accuracy"] == int((logits.argmax(1) == labels).sum()) / 12
    assert not torch.allclose(one, other)


def test_a_recipe_decides_on_the_views_and_training_is_the_same(
    tiny: Callable[..., Recipe],
) -> None:
    losses = []
    for mirrored in (False, True):
        rows: list[dict[str, object]] = []
        recipe = tiny(data={"eval_mirrored": mirrored}, epochs=1)
        outcome = train(recipe, report=lambda row, rows=rows: rows.append(row) is None)  # type: ignore[misc]
        losses.append((rows[0]["train_loss"], rows[0]["val_loss"], outcome.summary["test_loss"]))
    assert losses[0][0] == losses[1][0]
    assert losses[0][1] != losses[1][1]
    assert losses[0][2] != losses[1][2]


def test_figures_equal_their_definitions() -> None:
    chance = torch.Generator().manual_seed(0)
    logits = torch.randn(200, 7, generator=chance)
    labels = torch.randint(0, 7, (200,), generator=chance)
    found = classification_metrics(logits, labels)
    order = logits.argsort(1, descending=True)
    hits = order == labels[:, None]
    assert found["accuracy"] == pytest.approx(float(hits[:, 0].double().mean()))
    assert found["top5"] == pytest.approx(float(hits[:, :5].any(1).double().mean()))
    assert found["f1"] == pytest.approx(f1_score(labels, order[:, 0], average="macro"))
    for name, score in (("precision", precision_score), ("recall", recall_score)):
        assert found[name] == pytest.approx(score(labels, order[:, 0], average="macro"))
    assert found["loss"] == pytest.approx(float(functional.cross_entropy(logits, labels)))


def test_fewer_than_five_classes_are_all_among_the_top() -> None:
    assert classification_metrics(torch.randn(9, 3), torch.arange(9) % 3)["top5"] == 1.0


def test_the_gradients_norm_is_the_mean_over_the_updates_that_were_made() -> None:
    means = RunningMeans()
    for norm in (2.0, math.inf, 4.0, math.nan):
        logits = torch.zeros(3, 2)
        losses = LossValues(total=torch.tensor(1.0), main=torch.tensor(1.0), logits=logits)
        means.add(losses, torch.zeros(3).long(), torch.tensor(norm))
    assert means.columns()["gradient_norm"] == 3.0
