"""What a kind of document brings of its own for telling its faults.

Other tools' words for ours, the forms of its sections, and what stands in for what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from search_spaces.validation import FieldPath
from study.validation.section import Section, SectionForms, forms_in

Synonyms = Mapping[str, str]
"""Other tools' words for ours."""

_Document = TypeVar("_Document", bound=Section)


@dataclass(frozen=True)
class Vocabulary(Generic[_Document]):
    """A kind of document, and what its faults need to know beside pydantic's errors."""

    document: type[_Document]
    key_synonyms: Mapping[FieldPath, Synonyms]
    """By the path of the mapping in which the other tool's key stands."""
    common_key_synonyms: Synonyms = field(default_factory=dict)
    """Those of every other mapping."""
    value_synonyms: Mapping[FieldPath, Synonyms] = field(default_factory=dict)
    """By the path of the value, in lower case."""
    kinds: Mapping[FieldPath, str] = field(default_factory=dict)
    """What a section's name names, where that isn't the section's key: ``data set``."""
    other_tags: Mapping[FieldPath, Collection[str]] = field(default_factory=dict)
    """The tags of unions whose members have no ``name``."""
    short_keys: Collection[str] = ("name",)
    """The keys that a plain text in place of their mapping stands for."""
    placeholders: Mapping[FieldPath, Any] = field(default_factory=dict)
    """What stands where a required value is missing or at fault, so that the rest is judged."""

    @cached_property
    def forms(self) -> dict[FieldPath, SectionForms]:
        """Every section of the document that has a name, with its forms."""
        return forms_in(self.document)

    @cached_property
    def tags(self) -> Mapping[FieldPath, Collection[str]]:
        """The tags by which pydantic tells the members of the document's unions apart."""
        unions = {path: forms for path, forms in self.forms.items() if len(forms) > 1}
        return {**unions, **self.other_tags}
