"""What a dataclass or a pydantic model takes as the config of an own training.

A config is judged as the JSON that it is, and strictly: a bool is no integer and ``"20"`` is no
number, but a list may become a tuple, a mapping a dataclass and a text a member of an enumeration.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Union

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from search_spaces.validation import Fault, KeyPath, describe, unknown_key_fault
from study.validation.translation import has_part, sentence_of


def made_config(config_type: type, tree: Mapping[str, Any]) -> tuple[Any, list[Fault]]:
    """Return the instance of a dataclass or pydantic model that a config makes, and its faults.

    The instance is None where there are any.
    """
    faults = list(_unknown_keys(config_type, tree, ()))
    made: Any = None
    try:
        made = TypeAdapter(config_type).validate_json(json.dumps(tree), strict=True)
    except ValidationError as error:
        found = [_fault_of(details, tree) for details in error.errors(include_url=False)]
        unknown = {fault.path for fault in faults}
        faults += [fault for fault in found if fault.path not in unknown]
    return (None if faults else made), faults


def config_schema(config_type: type) -> dict[str, Any]:
    """Return the JSON Schema of a dataclass or pydantic model."""
    return TypeAdapter(config_type).json_schema(ref_template="#/$defs/{model}")


def field_paths(config_type: type) -> frozenset[str]:
    """Return the dotted paths of all fields of a dataclass or model, those of sections included."""
    return frozenset(_paths_in(config_type, "", ()))


def _paths_in(config_type: type, at: str, outer: tuple[type, ...]) -> Iterator[str]:
    for name, annotation in _fields_of(config_type).items():
        path = f"{at}.{name}" if at else name
        yield path
        inner = _section_in(annotation)
        if inner is not None and inner not in outer:
            yield from _paths_in(inner, path, (*outer, config_type))


def is_structured(annotation: object) -> bool:
    """Return whether an annotation is a dataclass or a pydantic model."""
    if not isinstance(annotation, type):
        return False
    return dataclasses.is_dataclass(annotation) or issubclass(annotation, BaseModel)


def _unknown_keys(config_type: type, tree: Mapping[str, Any], at: KeyPath) -> Iterator[Fault]:
    """Find the keys for which there is no field: pydantic would pass over most of them."""
    fields = _fields_of(config_type)
    for key, value in tree.items():
        if key not in fields:
            if not _takes_any_key(config_type):
                yield unknown_key_fault((*at, key), fields)
            continue
        inner = _section_in(fields[key])
        if inner is not None and isinstance(value, Mapping):
            yield from _unknown_keys(inner, value, (*at, key))


def _takes_any_key(config_type: type) -> bool:
    if not issubclass(config_type, BaseModel):
        return False
    return config_type.model_config.get("extra") == "allow"


def _fields_of(config_type: type) -> dict[str, Any]:
    """Return the annotations of a dataclass's or model's fields, by the keys of a config."""
    if issubclass(config_type, BaseModel):
        return {
            field.alias or name: field.annotation
            for name, field in config_type.model_fields.items()
        }
    if not dataclasses.is_dataclass(config_type):
        return {}
    hints = typing.get_type_hints(config_type)
    fields = [field for field in dataclasses.fields(config_type) if field.init]
    return {field.name: hints[field.name] for field in fields}


def _section_in(annotation: Any) -> type | None:
    """Return the one dataclass or model that an annotation allows; None for none or several."""
    if is_structured(annotation):
        found: type = annotation
        return found
    if typing.get_origin(annotation) in (Union, types.UnionType):
        sections = [part for part in typing.get_args(annotation) if is_structured(part)]
        return sections[0] if len(sections) == 1 else None
    return None


def _fault_of(details: ErrorDetails, tree: Mapping[str, Any]) -> Fault:
    """Return an error of pydantic as a fault at the path that the user wrote."""
    path: KeyPath = ()
    holder: Any = tree
    for part in details["loc"]:
        if has_part(holder, part):
            holder = holder[part]
            path = (*path, part)
    if details["type"] == "missing":
        return Fault((*path, details["loc"][-1]), "must be given", "nothing")
    return Fault(path, sentence_of(details), describe(details["input"]))
