"""What the sections of a study file share: how they are read, written and described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from pydantic import (
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from search_spaces.validation import alternatives
from study.files.plain_data import without_empty
from study.validation.section import Section, form_names, rule


class FileSection(Section):
    """A section of the study file.

    Its validator is built once it is needed: most commands need few of the sections.
    """

    model_config = ConfigDict(defer_build=True)

    short_for: ClassVar[str] = ""
    """The key that a plain text in place of the mapping stands for, where it may stand there."""

    @model_validator(mode="before")
    @classmethod
    def _written_in_full(cls, value: object) -> object:
        if isinstance(value, Mapping | cls):
            return value
        if isinstance(value, str) and cls.short_for:
            return {cls.short_for: value}
        must = "must be a name or a mapping" if cls.short_for else "must be a mapping"
        raise rule(must, accepted=alternatives(cls.model_fields))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = super().__get_pydantic_json_schema__(schema, handler)
        if not cls.short_for:
            return described
        in_full = handler.resolve_ref_schema(described)
        return {"anyOf": [described, in_full["properties"][cls.short_for]]}

    def tree(self) -> dict[str, Any]:
        """Return plain data as a study file has it: what is off or empty is left out."""
        fields = type(self).model_fields.items()
        required = [key for key, field in fields if field.is_required()]
        return without_empty(self.model_dump(mode="json"), keep=required)


@dataclass(frozen=True)
class NamedForms:
    """Marks a section that has forms by ``name``: a plain name may stand for its mapping."""

    kind: str
    default: str = ""
    """The name that a mapping without one has; without a default it must have one."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        names = form_names(source)
        return core_schema.no_info_before_validator_function(
            partial(self._in_full, names), handler(source)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        return described if self.default else described | {"required": ["name"]}

    def _in_full(self, names: list[str], value: object) -> object:
        if isinstance(value, FileSection):
            return value
        tree = {"name": value} if isinstance(value, str) else value
        if self.default and isinstance(tree, Mapping):
            tree = {"name": self.default, **tree}
        if isinstance(tree, Mapping) and isinstance(tree.get("name"), str):
            return tree
        at = ["name"] if isinstance(tree, Mapping) else []
        raise rule(f"must be the name of a {self.kind}", at, accepted=alternatives(names))
