"""Metrics by torchmetrics' names: torchmetrics' own figures, in rows, summaries and as objectives."""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from study.errors import SpecError
from study.spec.load import spec_from_tree
from study.training.metrics import classification_metrics, named_metrics
from study.training.recipe.metric_catalog import METRIC_NAMES, is_minimized
from study.training.recipe.recipe import Recipe, parse_recipe
from study.training.recipe.recipe_paths import flatten
from study.training.runtime.torchvision import torchvision

from .conftest import trained

CLASSES = 4
CALLED = {"balanced_accuracy": ("MulticlassAccuracy", {"average": "macro"})}


def torchmetrics_of(name: str) -> Any:
    """torchmetrics' metric as an object, by the name that a recipe has."""
    assert torchvision
    module = importlib.import_module("torchmetrics.classification")
    names = {member.lower(): member for member in dir(module)}
    default = names.get(f"multiclass{name.replace('_', '')}", "")
    called, options = CALLED.get(name, (default, {}))
    return getattr(module, called)(num_classes=CLASSES, **options)


def some(count: int = 60) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    labels = torch.randint(CLASSES, (count,), generator=generator)
    logits = torch.randn(count, CLASSES, generator=generator)
    logits[torch.arange(count), labels] += 1
    return logits, labels


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_each_is_what_torchmetrics_has_by_its_name(name: str) -> None:
    logits, labels = some()
    metric = torchmetrics_of(name)
    for at in range(0, 60, 25):  # in batches, as torchmetrics' users do
        metric.update(logits[at : at + 25].softmax(1), labels[at : at + 25])
    found = {**classification_metrics(logits, labels), **named_metrics([name], logits, labels)}
    assert found[name] == pytest.approx(float(metric.compute()), abs=1e-6)
    ours = classification_metrics(logits, labels)
    if name in ours:
        assert ours[name] == pytest.approx(float(metric.compute()), abs=1e-6)


@pytest.mark.parametrize("name", METRIC_NAMES)
def test_the_better_direction_is_torchmetrics_own(name: str) -> None:
    # of specificity and negative predictive value it says nothing: they are shares of what is right
    for split in ("val", "test"):
        assert is_minimized(f"{split}_{name}") == (torchmetrics_of(name).higher_is_better is False)


def test_simple_ones_equal_their_definition() -> None:
    logits, labels = some()
    predictions = logits.argmax(1)
    hits = predictions == labels
    recalls = [float(hits[labels == each].float().mean()) for each in range(CLASSES)]
    found = named_metrics(["balanced_accuracy", "cohen_kappa", "auroc"], logits, labels)
    assert found["balanced_accuracy"] == pytest.approx(sum(recalls) / CLASSES)
    agreed = float(hits.float().mean())
    by_chance = sum(
        float((predictions == each).float().mean() * (labels == each).float().mean())
        for each in range(CLASSES)
    )
    assert found["cohen_kappa"] == pytest.approx((agreed - by_chance) / (1 - by_chance), abs=1e-6)
    shares = logits.softmax(1)
    areas = []
    for each in range(CLASSES):
        with_label, without = shares[labels == each, each], shares[labels != each, each]
        areas.append(float((with_label[:, None] > without).float().mean()))
    assert found["auroc"] == pytest.approx(sum(areas) / CLASSES, abs=1e-6)


def test_a_class_without_images_is_left_out_without_a_warning() -> None:
    logits, labels = some()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = named_metrics(METRIC_NAMES, logits, labels.clamp_max(2))
    assert all(isinstance(value, float) for value in found.values())


def test_they_are_in_each_row_and_in_the_summary(tiny: Callable[..., Recipe]) -> None:
    asked = ["balanced_accuracy", "auroc", "precision"]
    rows, outcome = trained(tiny(metrics=asked, target={"metric": "val_auroc", "value": 0.999}))
    plain, _ = trained(tiny())
    for row, before in zip(rows, plain, strict=True):
        assert row["val_loss"] == before["val_loss"]
        assert row.keys() - before.keys() == {f"val_{name}" for name in asked}
    assert {f"test_{name}" for name in asked} <= outcome.summary.keys()


def test_an_objective_or_a_stop_rule_must_be_measured() -> None:
    tree: dict[str, Any] = {
        "study": "s",
        "points": 2,
        "space": {"optimizer.lr": {"log": [1e-3, 1]}},
    }
    tree["objective"] = {"metric": "val_auroc", "direction": "maximize"}
    with pytest.raises(
        SpecError, match=r"objective.metric: must be measured: with recipe.metrics:"
    ):
        spec_from_tree(tree)
    spec = spec_from_tree(tree | {"recipe": {"metrics": ["auroc"]}})
    assert spec.training({"optimizer.lr": 0.1}).columns()["metrics"] == '["auroc"]'
    _, faults = parse_recipe({"patience": {"metric": "val_auroc"}})
    assert str(faults[0]).startswith("patience.metric: must be measured: with metrics: [auroc]")
    _, faults = parse_recipe({"metrics": ["aurok"]})
    assert str(faults[0]).endswith("(did you mean auroc?)")
    assert "metrics" not in flatten(Recipe())


def test_of_a_class_without_images_neither_area_nor_recall_counts() -> None:
    labels = torch.tensor([0, 0, 1, 1, 1])
    right = torch.eye(3)[labels] * 5  # (N, classes): nothing is taken for class 2
    assert named_metrics(["auroc", "balanced_accuracy"], right, labels) == {
        "auroc": 1.0,
        "balanced_accuracy": 1.0,
    }
    wrong = right.clone()
    wrong[0] = torch.tensor([0.0, 0.0, 5.0])
    found = named_metrics(["auroc", "balanced_accuracy"], wrong, labels)
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 1) / 2)
    assert math.isnan(named_metrics(["auroc"], right, torch.zeros(5).long())["auroc"])
