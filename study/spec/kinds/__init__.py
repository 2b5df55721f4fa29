"""What a study's trials train, as far as its file goes: the built-in recipe, or the user's own."""

from __future__ import annotations

from study.spec.kinds.built_in import RecipeKind
from study.spec.kinds.kind import Defaults, TrainingKind
from study.spec.kinds.own import OwnKind


def kind_written(train: object, space: object, defaults: Defaults) -> TrainingKind:
    """Return what a study file writes values for: ``train`` is the name of its own training."""
    return RecipeKind(defaults) if train is None else OwnKind.of_tree(space)
