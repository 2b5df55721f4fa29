"""Which fields a recipe has where: of whatever schema is handed in, over all its forms."""

from __future__ import annotations

from collections.abc import Mapping

from search_spaces.validation import FieldPath


class RecipeFields:
    """Answers which fields the recipe has where.

    ``open_fields`` are those of the fields that are mappings whose keys are the user's own.
    """

    def __init__(self, fields: frozenset[str], open_fields: frozenset[str]) -> None:
        self._fields = fields
        self._open_fields = open_fields

    def has(self, path: FieldPath) -> bool:
        """Return whether the recipe has a field or a section at ``path``, in any of its forms."""
        return ".".join(path) in self._fields or self.is_single(path) or bool(self.keys_below(path))

    def is_open(self, path: FieldPath) -> bool:
        """Return whether a mapping with keys of the user's own is at ``path``."""
        return ".".join(path) in self._open_fields

    def is_single(self, path: FieldPath) -> bool:
        """Return whether ``path`` is that of a single key of such a mapping."""
        return self.joined_parts(path) > 0

    def joined_parts(self, path: FieldPath) -> int:
        """Return how many of the last parts of ``path`` are an open mapping and a key of it.

        0 where ``path`` leads to no key of one.
        """
        ends = (end for end in range(1, len(path)) if self.is_open(path[:end]))
        return max((len(path) - end + 1 for end in ends), default=0)

    def has_any(self, tree: Mapping[str, object], path: FieldPath) -> bool:
        """Return whether one of the tree's keys is known below ``path``."""
        return any(self.has((*path, *str(key).split("."))) for key in tree)

    def keys_below(self, path: FieldPath) -> list[str]:
        """Return the keys that the recipe has below ``path``, over all its forms."""
        top = ".".join(path) + "." if path else ""
        inside = [field.removeprefix(top) for field in self._fields if field.startswith(top)]
        return sorted({field.partition(".")[0] for field in inside})

    def set_by_value(self, path: FieldPath) -> FieldPath | None:
        """Return the field that a plain value at ``path`` sets.

        It is the field there, or the name of the section there; None where there is neither.
        """
        if self.is_single(path):
            return path
        for field in (path, (*path, "name")):
            if ".".join(field) in self._fields:
                return field
        return None

    def named_sections(self) -> list[str]:
        """Return the paths of all sections that have a name."""
        return sorted(
            field.removesuffix(".name") for field in self._fields if field.endswith(".name")
        )
