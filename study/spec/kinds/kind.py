"""What the rest of a study asks of that which its trials train.

A study trains the built-in recipe or a function of the user's own. The two differ in which values
there are, how they are written and put together, and what is known of a training before it runs.
All that is asked of either stands here, and nowhere else is it asked which of them a study has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from search_spaces.recipe_check import RecipeSchema
from search_spaces.validation import Fault
from search_spaces.values import Scalar, Value

Tree = dict[str, Any]
"""Nested plain data: mappings by their keys, lists, numbers, texts."""
Defaults = Mapping[str, Mapping[str, Any]]
"""What a recipe takes where nothing is written, a table for each section's form."""


class Training(Protocol):
    """Everything that fixes the training of a point but its seed, put together and validated."""

    @property
    def subject(self) -> Any:
        """What is trained: what costs are counted of."""
        ...

    @property
    def length(self) -> int | None:
        """How many epochs it has, as far as that is known before it runs."""
        ...

    @property
    def bound_to_length(self) -> str:
        """What of it depends on its length, so that it can't be trained on; empty for nothing."""
        ...

    def tree(self, seed: int) -> Tree:
        """Return it as plain data for a worker."""
        ...

    def values(self) -> dict[str, Value]:
        """Return every value that it has, by its dotted path."""
        ...

    def rule_values(self) -> dict[str, Value]:
        """Return every value that rules between values may speak of, by its dotted path."""
        ...

    def columns(self) -> dict[str, Scalar]:
        """Return the cells of its values in the tables, by their columns."""
        ...

    def in_half_the_memory(self) -> Tree | None:
        """Return the values, by path, with which another attempt takes half the memory.

        None where there are none such.
        """
        ...


class TrainingKind(RecipeSchema, Protocol):
    """What a study's trials train: how its values are written, put together and judged."""

    @property
    def keeps_seed(self) -> bool:
        """Whether the value ``seed`` is the number of the replicate, which nothing else sets."""
        ...

    @property
    def default_values(self) -> dict[str, Value]:
        """Values that a study can come to have without any of them being written, by path."""
        ...

    @property
    def repeating_values(self) -> dict[str, Value]:
        """Values, by path, without which a GPU doesn't repeat a training bit for bit."""
        ...

    def expand(self, tree: Mapping[str, object]) -> Tree:
        """Return what a user wrote as nested mappings, whichever way it was written."""
        ...

    def expand_fixed(self, tree: Mapping[str, object]) -> Tree:
        """Return the fixed values, over which all others are laid, in one form for all writings."""
        ...

    def space_faults(self, space: object) -> list[Fault]:
        """Return what is at fault in a space as it is written, before it is read."""
        ...

    def values_by_path(self, tree: Mapping[str, Any]) -> dict[str, Value]:
        """Return the values of an expanded tree by their dotted paths."""
        ...

    def complete(self, tree: Mapping[str, object]) -> Tree:
        """Return a tree with what it leaves out, as far as defaults were recorded."""
        ...

    def put_together(self, tree: Mapping[str, object]) -> tuple[Training | None, list[Fault]]:
        """Return the training that a tree writes, or None and every fault in it."""
        ...

    def column_of(self, path: str) -> str:
        """Return the tables' column of the value at a dotted path."""
        ...

    def rule_names(self, written: Iterable[Mapping[str, Any]]) -> set[str]:
        """Return the names of values that rules may speak of; ``written`` are parts of a file."""
        ...

    def defaults_for(self, written: Iterable[tuple[str, Any]]) -> dict[str, Tree]:
        """Return today's defaults that a study with these values, by path, can come to need."""
        ...
