"""The recipe: a frozen, validated object that fixes one training completely.

Its axes are independent: learning rates hold for the batch they are written with, warm-up is in
epochs, and ``accumulation`` trades memory for time without changing the point. Validation needs no
torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from search_spaces.validation import Fault, FieldPath
from study.training.recipe.metric_catalog import MetricName, named_metric
from study.training.recipe.model import ModelSpec
from study.training.recipe.numbers import Count, Positive
from study.training.recipe.optimizers import AdamW, AnyOptimizer, OwnOptimizer
from study.training.recipe.schedules import NEEDS_LENGTH, AnySchedule, ConstantSchedule
from study.training.recipe.sections import (
    AnyLoss,
    Clip,
    Converge,
    CrossEntropy,
    Data,
    Ema,
    Execution,
    NoClip,
    Patience,
    Target,
)
from study.training.recipe.synonyms import COMMON_SYNONYMS, TOP_SYNONYMS
from study.validation.document import parse_document
from study.validation.section import (
    Section,
    forms_in,
    list_to_tuple,
    rule,
    sections_in,
)
from study.validation.vocabulary import Vocabulary

RecipeTree = dict[str, Any]
Precision = Literal["fp32", "tf32", "bf16", "fp16", "fp16_unscaled"]

DEFAULT_EPOCHS = 10
_DEEPEST_FIELD = 8
"""No field lies deeper; keys below are left as they are, however many dots they hold."""
LENGTHS = ("epochs", "steps", "seconds")
MAY_BE_OFF = ("converge", "target", "patience", "metrics", "ema")
OPEN_MAPPINGS: frozenset[FieldPath] = frozenset(
    {
        ("model", "options"),
        ("optimizer", "lr_factors"),
        ("optimizer", "options"),
        ("schedule", "options"),
        ("loss", "options"),
        ("data", "augment", "options"),
    }
)
"""Mappings whose keys are the user's own: one value each."""
LISTED_SECTIONS: frozenset[FieldPath] = frozenset({("data", "augment")})
"""Sections in place of which a list of them may stand."""
_TREES = (dict, Mapping)
"""What is asked for a dict first is found to be one ten times as fast."""
MERGED_WHOLE = OPEN_MAPPINGS | {("data", "validation")}
"""What replaces its counterpart whole when two recipes are merged, and not key by key."""


class Recipe(Section):
    """Everything that fixes one training. ``Recipe()`` is a small convolutional network on digits.

    The training ends at the first of its lengths (``epochs``, ``steps``, ``seconds``) and stop
    rules (``converge``, ``target``, ``patience``); where no length is written it has 10 epochs.
    """

    model: ModelSpec = ModelSpec()
    """The network."""
    data: Data = Data()
    """The images, and how they are split, batched and changed."""
    optimizer: AnyOptimizer = AdamW(lr=3e-3)
    """What turns gradients into steps."""
    loss: AnyLoss = CrossEntropy()
    """What is made small."""
    schedule: AnySchedule = ConstantSchedule()
    """How the learning rate changes on the way."""
    precision: Precision = "fp32"
    """The arithmetic: 32 bits, TF32, or mixed with 16 bits, with the loss scaled or not."""
    accumulation: Count = 1
    """Micro-batches an update is made of, each weighted by the images it holds."""
    clip: Clip = NoClip()
    """What becomes of gradients that are too large."""
    ema: Ema | None = None
    """Average the weights, and evaluate by the average."""
    execution: Execution = Execution()
    """How the same arithmetic is carried out."""
    metrics: Annotated[tuple[MetricName, ...], BeforeValidator(list_to_tuple)] = ()
    """What is measured besides accuracy, loss and F1, by torchmetrics' names: a list."""
    epochs: Count | None = None
    """Passes over the training images, the last one whole."""
    steps: Count | None = None
    """Updates in all."""
    seconds: Positive | None = None
    """Training time in all."""
    converge: Converge | None = None
    """Stop when the training loss has converged."""
    target: Target | None = None
    """Stop when a metric is good enough."""
    patience: Patience | None = None
    """Stop when a metric no longer gets better."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    @model_validator(mode="before")
    @classmethod
    def written_in_full(cls, tree: object) -> object:
        return _in_full(tree) if isinstance(tree, Mapping) else tree

    @model_validator(mode="after")
    def consistent(self) -> Recipe:
        batch_size = self.data.batch_size
        if batch_size % self.accumulation:
            must = f"must divide data.batch_size, which is {batch_size}"
            raise rule(must, ["accumulation"], beside=["data.batch_size"])
        if self.epochs is None and self.steps is None and self.schedule.name in NEEDS_LENGTH:
            must = "must have a length in epochs or steps to span"
            raise rule(must, ["schedule"], beside=["epochs", "steps"])
        is_switched = self.schedule.name == "switch"
        if is_switched and isinstance(self.optimizer, OwnOptimizer) and not self.optimizer.has_lr:
            must = "must have a number lr with the schedule switch"
            raise rule(must, ["optimizer", "options"], beside=["schedule"])
        for section in ("schedule", "target", "patience"):
            metric = getattr(getattr(self, section), "metric", "")
            name = named_metric(metric)
            if name and name not in self.metrics:
                must = f"must be measured: with metrics: [{name}]"
                raise rule(must, [section, "metric"], beside=["metrics"])
            if metric.startswith("test_") and self.data.validation != "test":
                must = "must not look at the test set unless data.validation is test"
                raise rule(must, [section, "metric"], beside=["data.validation"])
        return self

    @property
    def micro_batch_size(self) -> int:
        """Images that the network sees at once while training."""
        return self.data.batch_size // self.accumulation


def _in_full(tree: Mapping[str, object]) -> RecipeTree:
    """Return the tree with every section's name written out, and with a length."""
    full = gather_open_mappings(tree)
    for path, default in DEFAULT_NAMES.items():
        holder = _mapping_at(full, path[:-1])
        section = holder.get(path[-1])
        if path in LISTED_SECTIONS and isinstance(section, list | tuple):
            holder[path[-1]] = [as_section(entry) for entry in section]
        if isinstance(section, dict) and "name" not in section:
            holder[path[-1]] = {"name": default, **section}
    if all(full.get(length) is None for length in LENGTHS):
        full["epochs"] = DEFAULT_EPOCHS
    return full


def as_section(entry: object) -> object:
    """Return an entry of a list of sections as a mapping, also where only its name is written."""
    return {"name": entry} if isinstance(entry, str) else entry


def _mapping_at(tree: RecipeTree, path: FieldPath) -> RecipeTree:
    """Return the mapping at ``path``, or one of its own where there is none."""
    for part in path:
        inner = tree.get(part)
        if not isinstance(inner, dict):
            return {}
        tree = inner
    return tree


def expand(tree: Mapping[str, object], at: FieldPath = ()) -> RecipeTree:
    """Return a recipe's tree as nested mappings, whichever way it was written.

    Dotted keys are opened, and a section that is written as its name becomes a mapping. A key of an
    open mapping that is written singly stays so, as ``options.width`` of the model: it changes
    nothing of the mapping's other keys.
    """
    full: RecipeTree = {}
    for key, value in tree.items():
        first, dot, rest = str(key), "", ""
        if len(at) < _DEEPEST_FIELD:
            first, dot, rest = first.partition(".")
        if dot and (*at, first) in OPEN_MAPPINGS:
            first, dot, rest = str(key), "", ""
        if dot:
            value = {rest: value}
        path = (*at, first)
        if isinstance(value, str):
            value = {"name": value} if path in DEFAULT_NAMES else value
        elif isinstance(value, _TREES) and path not in MERGED_WHOLE:
            value = expand(value, path)
        full[first] = _merge(full[first], value, path) if first in full else value
    return full


def merge(base: Mapping[str, object], over: Mapping[str, object]) -> RecipeTree:
    """Return ``base`` with ``over`` winning over it, key by key.

    Another ``name`` in a section drops the base's other keys of that section: they are another
    form's. An open mapping that ``over`` writes whole drops all of the base's.
    """
    lower, upper = expand(base), expand(over)
    for path in OPEN_MAPPINGS:
        if path[-1] in _mapping_at(upper, path[:-1]):
            _take_single_keys(lower, path)
    merged: RecipeTree = _merge(lower, upper, ())
    return merged


def gather_open_mappings(tree: Mapping[str, object]) -> RecipeTree:
    """Return an expanded tree in which open mappings hold the keys that are written singly.

    >>> gather_open_mappings({"model": {"options": {"a": 1}, "options.b": 2}})
    {'model': {'options': {'a': 1, 'b': 2}}}
    """
    full = expand(tree)
    for path in OPEN_MAPPINGS:
        single = _take_single_keys(full, path)
        section = _mapping_at(full, path[:-1])
        whole = section.get(path[-1])
        if single and (whole is None or isinstance(whole, Mapping)):
            section[path[-1]] = {**(whole or {}), **single}
    return full


def _take_single_keys(tree: RecipeTree, path: FieldPath) -> RecipeTree:
    """Take what stands singly of an open mapping, as ``options.width``, out of an expanded tree."""
    section, beginning = _mapping_at(tree, path[:-1]), f"{path[-1]}."
    keys = [key for key in section if key.startswith(beginning)]
    return {key.removeprefix(beginning): section.pop(key) for key in keys}


def _merge(base: Any, over: Any, path: FieldPath) -> Any:
    if not isinstance(base, dict) or not isinstance(over, dict) or path in MERGED_WHOLE:
        return over
    has_names = path in DEFAULT_NAMES and "name" in base and "name" in over
    if has_names and base["name"] != over["name"]:
        return over
    merged = dict(base)
    for key, value in over.items():
        merged[key] = _merge(base[key], value, (*path, key)) if key in base else value
    return merged


def parse_recipe(tree: Mapping[str, object]) -> tuple[Recipe | None, list[Fault]]:
    """Return the recipe that ``tree`` writes, or None and every fault, at the user's own paths."""
    with suppress(ValidationError):
        return Recipe.model_validate(tree), []  # which expands it
    recipe, faults = parse_document(_VOCABULARY, expand(tree), written=tree)
    return (None if faults else recipe), faults


def field_paths() -> frozenset[str]:
    """Return the dotted paths of all fields, of every form of every section."""
    return frozenset(_paths_in(Recipe, ()))


def open_fields() -> frozenset[str]:
    """Return the dotted paths of the mappings whose keys are the user's own."""
    return frozenset(".".join(path) for path in OPEN_MAPPINGS)


def _paths_in(section: type[Section], at: FieldPath) -> set[str]:
    paths: set[str] = set()
    for key, field in section.model_fields.items():
        inner = sections_in(field.annotation)
        path = (*at, key)
        for form in inner:
            paths |= _paths_in(form, path)
        if not inner or path in MERGED_WHOLE:
            paths.add(".".join(path))
    return paths


SECTION_FORMS = forms_in(Recipe)
"""Every section that has a name, with its forms by that name; model and data have one for all."""
_VOCABULARY = Vocabulary(
    Recipe,
    key_synonyms={(): TOP_SYNONYMS},
    common_key_synonyms=COMMON_SYNONYMS,
    kinds={
        ("data",): "data set",
        ("data", "loader"): "loader",
        ("data", "augment"): "augmentation",
    },
    other_tags={("data", "validation"): ("split", "test")},
)


def _default_name(path: FieldPath) -> str:
    value: Any = Recipe.model_fields[path[0]].default
    for part in path[1:]:
        value = getattr(value, part)
    return str(value.name)


DEFAULT_NAMES: dict[FieldPath, str] = {path: _default_name(path) for path in SECTION_FORMS}
"""Sections that have a name, and the name where none is written."""
