"""The JSON Schema of a study file (draft 2020-12), for editors: from the models that validate it.

It says less than validation does: rules over several keys, and which branch has which field, are
not in it.
"""

from __future__ import annotations

from typing import Any

from search_spaces.distribution_syntax import DISTRIBUTION_KINDS
from study.spec.study_file import OwnStudyFile, StudyFile
from study.training.recipe.recipe import SECTION_FORMS, Recipe, open_fields
from study.training.recipe.recipe_paths import FIELDS, SECTIONS, fields_of_forms
from study.validation.section import FACTORY_FORM, FACTORY_PATTERN, forms_in

JsonSchema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = "#/$defs/{model}"
_DOTTED = r"^[^.]+\..+$"
_OPEN_NAMES = ("model", "data", "optimizer", "schedule", "loss", "data.augment")
"""Sections of the recipe where ``package.module:factory`` may stand for a name."""
_BY_TRAINING = ("objective", "recipe", "space", "first", "trial")
"""Keys that hold other things where the training is the user's own."""
_PLAIN: JsonSchema = {"type": ["string", "number", "boolean", "null", "array"]}


def json_schema(config: JsonSchema | None = None) -> JsonSchema:
    """Return the schema of a whole study file.

    ``config`` is that of the type that an own training's config has, where that is known.
    """
    study = StudyFile.model_json_schema(ref_template=_REFERENCE)
    definitions = study.pop("$defs")
    properties = study["properties"]
    _refer(properties, "recipe")
    _refer(properties, "space")
    _refer(definitions["First"]["properties"], "set", "recipe")
    for (section,), forms in forms_in(StudyFile).items():
        names = [name for name in forms if name != FACTORY_FORM]
        properties[section] = _named(properties[section], names, is_open=FACTORY_FORM in forms)
    definitions |= _recipe_definitions()
    definitions |= {"distribution": _distribution_schema(), "space": _section_schema("")}
    study |= {"$schema": _DIALECT, "title": "A study file of ray-study"}
    study |= _by_training(study, definitions, config)
    return study | {"$defs": definitions}


# -- own trainings ---------------------------------------------------------------------


def _by_training(
    study: JsonSchema, definitions: JsonSchema, config: JsonSchema | None
) -> JsonSchema:
    """Say of the keys that depend on it what they hold with an own training, and what without.

    Its definitions join the others.
    """
    own = OwnStudyFile.model_json_schema(ref_template=_REFERENCE)
    typed = dict(config or {"type": "object"})
    definitions |= typed.pop("$defs", {})
    definitions |= own.pop("$defs") | definitions
    definitions |= {"config": _without_required(typed), "config_space": _config_space_schema()}
    with_own = {key: own["properties"][key] for key in _BY_TRAINING}
    _refer(with_own, "recipe", "config")
    _refer(with_own, "space", "config_space")
    _refer(definitions["OwnFirst"]["properties"], "set", "config")
    with_recipe = {key: study["properties"][key] for key in _BY_TRAINING}
    for key in _BY_TRAINING:
        study["properties"][key] = {"description": with_recipe[key].get("description", "")}
    return {
        "if": {"required": ["train"], "properties": {"train": {"type": "string"}}},
        "then": {"properties": with_own, "required": ["objective"]},
        "else": {"properties": with_recipe},
    }


def _without_required(schema: Any) -> Any:
    """Return a schema that lacks nothing: what ``recipe`` leaves out, ``space`` may have."""
    if isinstance(schema, list):
        return [_without_required(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_required(item)
        for key, item in schema.items()
        if not (key == "required" and isinstance(item, list))
    }


def _config_space_schema() -> JsonSchema:
    """Return what a space may hold where its values are the user's own."""
    inside = {"$ref": "#/$defs/config_space"}
    branches = {"type": "object", "minProperties": 1}
    branches |= {"additionalProperties": {"anyOf": [inside, {"type": "null"}]}}
    value = {
        "anyOf": [{"$ref": "#/$defs/distribution"}, _one_key("one_of", branches), _PLAIN, inside]
    }
    kinds = ("one_of", *DISTRIBUTION_KINDS)
    return {
        "type": "object",
        "properties": dict.fromkeys(kinds, False),
        "additionalProperties": value,
    }


def _refer(properties: JsonSchema, key: str, definition: str = "") -> None:
    """Say of a key that what it holds is defined elsewhere, in place of any mapping."""
    described = properties[key].get("description", "")
    properties[key] = {"$ref": f"#/$defs/{definition or key}", "description": described}


# -- recipe ----------------------------------------------------------------------------


def _recipe_definitions() -> dict[str, JsonSchema]:
    """The recipe's schema and those of its sections, with names allowed in place of sections."""
    whole = Recipe.model_json_schema(ref_template=_REFERENCE)
    definitions: dict[str, JsonSchema] = whole.pop("$defs")
    whole["properties"].pop("seed")
    whole["patternProperties"] = {_DOTTED: {}}
    for path in SECTION_FORMS:
        holder = whole if len(path) == 1 else definitions[_type_name(path[:-1])]
        properties, key = holder["properties"], path[-1]
        names, is_open = _names_at(".".join(path))
        properties[key] = _named(properties[key], names, is_open)
    return {**definitions, "recipe": whole}


def _type_name(path: tuple[str, ...]) -> str:
    """Return the definition of a section that has one form only."""
    return next(iter(SECTION_FORMS[path].values())).__name__


def _names_at(path: str) -> tuple[list[str], bool]:
    """Return the names of a recipe's section, and whether a factory may stand for one."""
    return sorted(fields_of_forms(path) or ()), path in _OPEN_NAMES


def _named(section: JsonSchema, names: list[str], is_open: bool) -> JsonSchema:
    """Return the schema of a section in any of its forms, or of a name in place of it.

    Where a list of them may stand, that as well.
    """
    listed = next((each for each in section.get("anyOf", ()) if "items" in each), None)
    if listed:
        entry = _named(listed["items"], names, is_open)
        described = {key: section[key] for key in ("description",) if key in section}
        return {"anyOf": [*entry["anyOf"], listed | {"items": entry}]} | described
    forms = section.get("oneOf") or [{"$ref": section["$ref"]}]
    if required := section.get("required"):
        forms = [form | {"required": required} for form in forms]
    described = {"description": section["description"]} if "description" in section else {}
    return {"anyOf": [_name_schema(names, is_open), *forms]} | described


def _name_schema(names: list[str], is_open: bool) -> JsonSchema:
    known: JsonSchema = {"enum": names}
    if not is_open:
        return known
    # behind a point, timm's names say which weights: timm:resnet18.a1_in1k
    own = {"type": "string", "pattern": rf"^{FACTORY_PATTERN}(\.\w+)?$"}
    return {"anyOf": [known, own]}


# -- space -----------------------------------------------------------------------------


def _section_schema(path: str) -> JsonSchema:
    """Return what a space may hold at a section of the recipe.

    Its fields; and where it has names, a branch of it or a name.
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
    names = _name_schema(*_names_at(path))
    return {"anyOf": [branch, fields, {"$ref": "#/$defs/distribution"}, names]}


def _node_schema(path: str) -> JsonSchema:
    if path in SECTIONS:
        return _section_schema(path)
    single: JsonSchema = {"anyOf": [{"$ref": "#/$defs/distribution"}, _PLAIN]}
    if path in open_fields():
        return {"anyOf": [single, {"type": "object", "additionalProperties": single}]}
    return single


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
