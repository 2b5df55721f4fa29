"""The base of everything that a user writes: a frozen section of a document, and its forms.

The recipe and the study file are trees of sections. A section with a ``name`` may have several
forms, one class each; the name says which of them is meant.
"""

from __future__ import annotations

import re
import types
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializationInfo,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from search_spaces.validation import FieldPath, alternatives, closest_match, describe
from study.validation.field_sentences import field_sentences

FACTORY_PATTERN = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*"
"""How a user's own model, data set or sampler is named."""
FACTORY_FORM = "package.module:factory"
"""What messages call such a name."""

SectionForms = dict[str, type["Section"]]
"""The forms of a section by their names."""


class Section(BaseModel):
    """A frozen, strict part of a document: no unknown keys, no nan, a bool is no int.

    In a JSON Schema each key is described by the sentence below its field.
    """

    # how a section is checked is worked out once one is checked, which looking at tables doesn't
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
        defer_build=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        properties = handler.resolve_ref_schema(described).get("properties", {})
        for key, sentence in field_sentences(cls).items():
            properties[key]["description"] = sentence
        return described


def is_factory_name(name: str) -> bool:
    """Return whether a name has the form ``package.module:factory``."""
    return re.fullmatch(FACTORY_PATTERN, name) is not None


def list_to_tuple(value: object) -> object:
    """Turn the list of a YAML or JSON document into the tuple that a frozen section holds."""
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class OneOrMore:
    """Marks a field that holds a tuple: a document has a list there, or an entry by itself."""

    least: int = 0
    most: int = 10_000

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(self._validated, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        several = handler(schema) | {"minItems": self.least, "maxItems": self.most}
        return {"anyOf": [several, several["items"]]}

    def _validated(self, value: object, validate: ValidatorFunctionWrapHandler) -> Any:
        entries = tuple(value) if isinstance(value, list | tuple) else (value,)
        validated = validate(entries)
        if not self.least <= len(entries) <= self.most:
            must = f"must have {self.least} to {self.most} entries"
            raise rule(must, found=str(len(entries)))
        return validated


@dataclass(frozen=True)
class ListOrOne:
    """Marks a field that holds a section, or a tuple of them: a document has a list there.

    The field's type is the union of the two.
    """

    most: int

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        _, several = get_args(source)
        return core_schema.no_info_wrap_validator_function(
            self._validated,
            handler.generate_schema(several),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _dumped_sections, info_arg=True
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        several = handler(schema) | {"maxItems": self.most}
        return {"anyOf": [several["items"], several]}

    def _validated(self, value: object, validate: ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(value, list | tuple):
            return validate((value,))[0]
        if len(value) > self.most:
            raise rule(f"must have at most {self.most} entries", found=str(len(value)))
        return validate(tuple(value))


def _dumped_sections(value: Any, info: SerializationInfo) -> Any:
    if isinstance(value, tuple):
        return [_dumped_sections(each, info) for each in value]
    return value.model_dump(mode=info.mode)


def _plain_value(value: object, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        raise rule("must be text, a finite number, true or false") from None


PlainValue = Annotated[str | int | float | bool, WrapValidator(_plain_value)]
"""What an option of a user's own code may be, with one error in place of one for each type."""


class OwnPart(Section):
    """A part of the user's own: ``package.module:factory``, and what it is called with besides."""

    name: Annotated[str, Field(pattern=f"^{FACTORY_PATTERN}$")]
    """The function of your own."""
    options: dict[str, PlainValue] = Field(default_factory=dict)
    """Keyword arguments of it."""


def form_of(value: object) -> object:
    """Return the tag of a section's form: its name, or ``FACTORY_FORM`` for one of the user's."""
    name = value.get("name") if isinstance(value, Mapping) else getattr(value, "name", None)
    return FACTORY_FORM if isinstance(name, str) and is_factory_name(name) else name


def rule(
    must: str,
    at: Iterable[str | int] = (),
    *,
    found: str | None = None,
    accepted: str = "",
    nearest: str = "",
    beside: Collection[str] = (),
    on_key: bool = False,
) -> PydanticCustomError:
    """Return the error of a rule that a validator found broken, in our own words.

    ``at`` is the path below the validated value that is at fault. ``found`` is read from the
    document where it is None. ``beside`` names the other fields that the rule speaks of, by dotted
    paths below the validated value: where one of those is at fault itself, this error says nothing.
    """
    context = {
        "must": must,
        "at": tuple(at),
        "found": found,
        "accepted": accepted,
        "nearest": nearest,
        "beside": tuple(beside),
        "on_key": on_key,
    }
    return PydanticCustomError("rule", "{must}", context)


def checked_name(name: str, kind: str, names: Collection[str]) -> str:
    """Return ``name`` if it is one of ``names`` or a factory's; raise the rule it breaks if not."""
    if name in names or is_factory_name(name):
        return name
    accepted = [*names, FACTORY_FORM]
    raise rule(
        f"must name a known {kind}",
        found=describe(name),
        accepted=alternatives(accepted),
        nearest=closest_match(name, accepted),
    )


# -- the sections inside a section -----------------------------------------------------


def sections_in(annotation: object) -> list[type[Section]]:
    """Return the section classes that an annotation allows: one, several forms, or none."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    if get_origin(annotation) in (Annotated, Union, types.UnionType, tuple):
        return [section for part in get_args(annotation) for section in sections_in(part)]
    return []


def forms_in(section: type[Section], at: FieldPath = ()) -> dict[FieldPath, SectionForms]:
    """Return every section below ``section`` that has a ``name``, with its forms by that name."""
    found: dict[FieldPath, SectionForms] = {}
    for key, field in section.model_fields.items():
        path = (*at, key)
        inner = sections_in(field.annotation)
        named = {_form_name(form): form for form in inner if "name" in form.model_fields}
        if named:
            found[path] = named
        for form in inner:
            found |= forms_in(form, path)
    return found


def form_names(annotation: object) -> list[str]:
    """Return the names of the forms that an annotation allows, in their order."""
    return [_form_name(form) for form in sections_in(annotation)]


def _form_name(form: type[Section]) -> str:
    default: Any = form.model_fields["name"].default
    return default if isinstance(default, str) else FACTORY_FORM


def keys_at(
    document: type[Section],
    path: FieldPath,
    form: str | None,
    forms: dict[FieldPath, SectionForms],
) -> list[str]:
    """Return the keys that a mapping at ``path`` may have, in the form of that name, if any."""
    section = document
    for depth, part in enumerate(path):
        at = path[: depth + 1]
        named = forms.get(at)
        if named is not None:
            own = named.get(form or "") if at == path else None
            section = own or next(iter(named.values()))
            continue
        field = section.model_fields.get(part)
        inner = sections_in(field.annotation) if field else []
        if not inner:
            return []
        section = inner[0]
    return list(section.model_fields)
