"""Dotted paths of a recipe's fields and sections, and a tree's values by them."""

from __future__ import annotations

from study.training.recipe.recipe_paths import FIELDS, SECTIONS, values_by_path


def test_fields_are_those_of_every_form() -> None:
    assert {"epochs", "optimizer.name", "optimizer.momentum", "data.augment.pad"} <= FIELDS
    assert "optimizer" not in FIELDS


def test_sections_hold_fields() -> None:
    assert {"optimizer", "data", "data.augment", "data.validation"} <= SECTIONS
    assert "" not in SECTIONS
    assert all(any(field.startswith(f"{top}.") for field in FIELDS) for top in SECTIONS)


def test_values_are_opened_as_far_as_there_are_fields() -> None:
    tree = {
        "optimizer": {"name": "sgd", "lr_factors": {"features.0": 0.1}},
        "data.batch_size": 32,
        "data": {"validation": {"fraction": 0.2}},
    }
    assert values_by_path(tree) == {
        "optimizer.name": "sgd",
        "optimizer.lr_factors": {"features.0": 0.1},
        "data.batch_size": 32,
        "data.validation.fraction": 0.2,
    }
