"""The JSON Schema of a study file (draft 2020-12), from the tables that validation follows, for
editors.

It says less than validation does: rules over several keys, and which branch has which field, are
not in it.
"""

from __future__ import annotations

from typing import Any

from study.spec.field_types import FACTORY, JsonSchema
from study.spec.recipe_paths import FIELDS, SECTIONS
from study.spec.study_file import STUDY_FILE
from study.training.recipe.recipe import FORMS, Recipe, fields_of_forms

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_DOTTED = r"^[^.]+\..+$"
_OPEN_NAMES = ("model", "data")  # where package.module:factory may stand for a name
_PLAIN: JsonSchema = {"type": ["string", "number", "boolean", "null", "array"]}


def json_schema() -> JsonSchema:
    """The schema of a whole study file."""
    definitions = _recipe_definitions()
    definitions |= {"distribution": _distribution_schema(), "space": _section_schema("")}
    title = {"$schema": _DIALECT, "title": "A study file of ray-study"}
    return title | STUDY_FILE.schema() | {"$defs": definitions}


# -- recipe ----------------------------------------------------------------------------


def _recipe_definitions() -> dict[str, JsonSchema]:
    """The recipe's schema and those of its sections, with names allowed in place of sections."""
    whole = Recipe.model_json_schema(ref_template="#/$defs/{model}")
    definitions: dict[str, JsonSchema] = whole.pop("$defs")
    whole["properties"].pop("seed")
    whole["patternProperties"] = {_DOTTED: {}}
    for path in FORMS:
        holder = whole if len(path) == 1 else definitions[_type_name(path[:-1])]
        holder["properties"][path[-1]] = _named(holder["properties"][path[-1]], ".".join(path))
    return {**definitions, "recipe": whole}


def _type_name(path: tuple[str, ...]) -> str:
    """The definition of a section that has one form only."""
    return next(iter(FORMS[path].values())).__name__


def _named(section: JsonSchema, path: str) -> JsonSchema:
    """A section, in any of its forms, or its name."""
    forms = section.get("oneOf") or [
        {word: value for word, value in section.items() if word == "$ref"}
    ]
    return {"anyOf": [_name_schema(path), *forms]}


def _name_schema(path: str) -> JsonSchema:
    names: JsonSchema = {"enum": sorted(fields_of_forms(path) or ())}
    return (
        {"anyOf": [names, {"type": "string", "pattern": f"^{FACTORY.pattern}$"}]}
        if path in _OPEN_NAMES
        else names
    )


# -- space -----------------------------------------------------------------------------


def _section_schema(path: str) -> JsonSchema:
    """What a space may hold at a section of the recipe: its fields, or a branch of it where it has
    names.
    """
    top = f"{path}." if path else ""
    children = sorted(
        {field[len(top) :].split(".")[0] for field in FIELDS if field.startswith(top)} - {"seed"}
    )
    fields: JsonSchema = {
        "type": "object",
        "properties": {child: _node_schema(f"{top}{child}") for child in children},
        "patternProperties": {_DOTTED: {}},
        "additionalProperties": False,
    }
    if fields_of_forms(path) is None:
        return fields
    branch: JsonSchema = {
        "type": "object",
        "properties": {
            "one_of": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {"anyOf": [fields, {"type": "null"}]},
            }
        },
        "required": ["one_of"],
        "additionalProperties": False,
    }
    return {"anyOf": [branch, fields, {"$ref": "#/$defs/distribution"}, _name_schema(path)]}


def _node_schema(path: str) -> JsonSchema:
    if path in SECTIONS:
        return _section_schema(path)
    return {"anyOf": [{"$ref": "#/$defs/distribution"}, _PLAIN]}


def _distribution_schema() -> JsonSchema:
    choice = {"type": "array", "minItems": 1, "uniqueItems": True}
    kinds = [_one_key("choice", choice)]
    for word, kind, stepped in [
        ("uniform", "number", True),
        ("log", "number", False),
        ("int", "integer", True),
        ("log_int", "integer", False),
    ]:
        bounds = {"type": "array", "items": {"type": kind}, "minItems": 2, "maxItems": 2}
        step = {"step": {"type": kind, "exclusiveMinimum": 0}} if stepped else {}
        kinds.append(_one_key(word, bounds, step))
    return {"anyOf": kinds}


def _one_key(word: str, value: JsonSchema, more: dict[str, Any] | None = None) -> JsonSchema:
    properties = {word: value, **(more or {})}
    return {
        "type": "object",
        "properties": properties,
        "required": [word],
        "additionalProperties": False,
    }
