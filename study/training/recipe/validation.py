"""From pydantic's errors to faults as a user reads them: their own paths, what must hold, what was
found.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from search_spaces.validation import (
    Fault,
    KeyPath,
    alternatives,
    closest_match,
    describe,
    unknown_key_fault,
    unknown_name_fault,
)

Forms = Mapping[tuple[str, ...], Mapping[str, object]]
Names = Callable[[tuple[str, ...], str | None], list[str]]

_WORDS = {
    "learning_rate": "lr",
    "learning-rate": "lr",
    "init_lr": "lr",
    "wd": "weight_decay",
    "weight-decay": "weight_decay",
    "decay": "weight_decay",
    "betas": "beta1 and beta2",
    "batch": "batch_size",
    "batch-size": "batch_size",
    "num_workers": "workers",
    "pin-memory": "pin_memory",
    "warmup": "warmup_epochs",
    "warmup_steps": "warmup_epochs",
    "max_lr": "optimizer.lr",
    "step_size": "every_epochs",
    "T_max": "epochs",
    "smoothing": "label_smoothing",
    "augmentation": "augment",
    "transform": "augment",
}
"""Other tools' words for ours, wherever they stand."""

_TOP_WORDS = {
    "lr": "optimizer.lr",
    "learning_rate": "optimizer.lr",
    "learning-rate": "optimizer.lr",
    "weight_decay": "optimizer.weight_decay",
    "weight-decay": "optimizer.weight_decay",
    "momentum": "optimizer.momentum",
    "batch": "data.batch_size",
    "batch_size": "data.batch_size",
    "batch-size": "data.batch_size",
    "dataset": "data",
    "validation_split": "data.validation",
    "augment": "data.augment",
    "network": "model",
    "arch": "model",
    "architecture": "model",
    "norm": "model.norm",
    "dropout": "model.dropout",
    "optim": "optimizer",
    "scheduler": "schedule",
    "lr_scheduler": "schedule",
    "label_smoothing": "loss.label_smoothing",
    "amp": "precision",
    "dtype": "precision",
    "mixed_precision": "precision",
    "grad_clip": "clip",
    "gradient_clip": "clip",
    "gradient_accumulation_steps": "accumulation",
    "accumulate_grad_batches": "accumulation",
    "max_epochs": "epochs",
    "num_epochs": "epochs",
    "n_epochs": "epochs",
    "max_steps": "steps",
    "early_stopping": "patience",
    "compile": "execution.mode",
    "random_state": "seed",
    "random_seed": "seed",
}
"""The same at the top of a recipe, where others keep everything."""

_VALIDATION: KeyPath = ("data", "validation")
_KINDS = {("data",): "data set", ("data", "loader"): "loader", ("data", "augment"): "augmentation"}

_MUST = {
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "int_parsing_size": "must be an integer of fewer digits",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "dataclass_type": "must be a mapping",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "string_pattern_mismatch": "must be lower-case letters, digits and _",
    "literal_error": "must be one of the accepted words",
}


def faults_of(
    error: ValidationError, tree: Mapping[str, object], forms: Forms, names: Names
) -> list[Fault]:
    """One fault for each error, in the order in which the fields are declared."""
    return [_fault_of(details, tree, forms, names) for details in error.errors(include_url=False)]


def related(error: ValidationError) -> set[str]:
    """The dotted paths of other fields that the broken rules speak of."""
    return {
        path
        for details in error.errors(include_url=False)
        for path in details.get("ctx", {}).get("beside", ())
    }


def _fault_of(
    details: ErrorDetails, tree: Mapping[str, object], forms: Forms, names: Names
) -> Fault:
    kind, context = details["type"], details.get("ctx", {})
    path, form = _without_tags(details["loc"], forms)
    found = describe(details["input"])
    if kind == "extra_forbidden":
        return unknown_key_fault(
            path, names(_texts(path[:-1]), form), _TOP_WORDS if len(path) == 1 else _WORDS
        )
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        value = (
            details["input"].get("name")
            if isinstance(details["input"], Mapping)
            else details["input"]
        )
        section = _texts(path)
        if not isinstance(value, str):
            return Fault(
                path,
                "must be a name or a mapping with a name",
                describe(value),
                alternatives(forms[section]),
            )
        return unknown_name_fault(
            _as_written((*path, "name"), tree),
            _KINDS.get(section, str(path[-1])),
            value,
            forms[section],
        )
    if kind == "unknown_name":
        return unknown_name_fault(
            _as_written(path, tree), context["kind"], details["input"], context["names"]
        )
    if kind == "literal_error":
        words = [
            word.strip("'") for word in str(context["expected"]).replace(" or ", ", ").split(", ")
        ]
        return Fault(
            _as_written(path, tree),
            _MUST[kind],
            found,
            alternatives(words),
            closest_match(details["input"], words),
        )
    if kind.startswith("rule"):
        path = (
            (*path, *kind.removeprefix("rule").removeprefix("_").split("."))
            if "_" in kind
            else path
        )
        return Fault(path, details["msg"], describe(_value_at(path, tree)))
    limits = {
        key: f"{value:g}" if isinstance(value, float) else value for key, value in context.items()
    }
    must = _MUST[kind].format(**limits) if kind in _MUST else f"must hold: {details['msg']}"
    return Fault(_as_written(path, tree), must, found)


def _without_tags(loc: KeyPath, forms: Forms) -> tuple[KeyPath, str | None]:
    """The path without pydantic's union tags, and the form that the last tag named."""
    path: KeyPath = ()
    form: str | None = None
    tagged: set[KeyPath] = set()
    for part in loc:
        tags: Collection[str] = (
            forms.get(_texts(path), {}) if path != _VALIDATION else ("split", "test")
        )
        if len(tags) > 1 and path not in tagged and part in tags:
            form = str(part)
            tagged.add(path)
        elif part != "[key]":
            path = (*path, part)
    return path, form


def _texts(path: KeyPath) -> tuple[str, ...]:
    return tuple(str(part) for part in path)


def _as_written(path: KeyPath, tree: Mapping[str, object]) -> KeyPath:
    """The path without its last ``name`` where the user wrote the name in place of the section."""
    if path and path[-1] == "name" and isinstance(_value_at(path[:-1], tree), str):
        return path[:-1]
    return path


def _value_at(path: KeyPath, tree: Any) -> object:
    for part in path:
        if not isinstance(tree, Mapping) or part not in tree:
            return None
        tree = tree[part]
    return tree
