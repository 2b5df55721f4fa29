"""The kinds of fields that a study file is made of: each reads a plain value and describes itself
as JSON Schema.

A kind appends faults to a list and goes on, so that a user sees all of them at once. In place of a
faulty value stands its default, so that the rest can still be judged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from search_spaces.validation import (
    Fault,
    KeyPath,
    alternatives,
    closest_match,
    describe,
    unknown_key_fault,
)
from search_spaces.values import is_finite_number

JsonSchema = dict[str, Any]
Faults = list[Fault]


class Kind(Protocol):
    """What a field may hold."""

    def read(self, value: Any, path: KeyPath, faults: Faults) -> Any: ...

    def schema(self) -> JsonSchema: ...


@dataclass(frozen=True)
class Text:
    """Text, of a pattern where one is given; ``must`` says the pattern in words."""

    pattern: str = r"[\s\S]*"
    must: str = "must be text"

    def read(self, value: Any, path: KeyPath, faults: Faults) -> str:
        if isinstance(value, str) and re.fullmatch(self.pattern, value):
            return value
        faults.append(Fault(path, self.must, describe(value)))
        return ""

    def schema(self) -> JsonSchema:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


@dataclass(frozen=True)
class Word:
    """One of a few words; ``foreign`` maps other tools' words to ours."""

    names: tuple[str, ...]
    foreign: Mapping[str, str] = field(default_factory=dict)

    def read(self, value: Any, path: KeyPath, faults: Faults) -> str:
        if isinstance(value, str) and value in self.names:
            return value
        ours = self.foreign.get(str(value).lower(), "") or closest_match(value, self.names)
        faults.append(
            Fault(
                path,
                "must be one of the accepted words",
                describe(value),
                alternatives(self.names),
                ours,
            )
        )
        return ""

    def schema(self) -> JsonSchema:
        return {"enum": list(self.names)}


@dataclass(frozen=True)
class Flag:
    """true or false."""

    def read(self, value: Any, path: KeyPath, faults: Faults) -> bool:
        if not isinstance(value, bool):
            faults.append(Fault(path, "must be true or false", describe(value)))
        return value is True

    def schema(self) -> JsonSchema:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Whole:
    """An integer in [low, high]."""

    low: int = 0
    high: int = 1_000_000

    def read(self, value: Any, path: KeyPath, faults: Faults) -> int:
        if not is_finite_number(value) or isinstance(value, float):
            faults.append(Fault(path, "must be an integer", describe(value)))
        elif not self.low <= value <= self.high:
            must = (
                f"must be at least {self.low}"
                if value < self.low
                else f"must be at most {self.high}"
            )
            faults.append(Fault(path, must, describe(value)))
        else:
            return value
        return self.low

    def schema(self) -> JsonSchema:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Number:
    """A finite number, above ``above`` and at most ``high`` where they are given."""

    above: float | None = None
    low: float | None = None
    high: float | None = None

    def read(self, value: Any, path: KeyPath, faults: Faults) -> float:
        if not is_finite_number(value):
            faults.append(Fault(path, "must be a finite number", describe(value)))
        elif self.above is not None and value <= self.above:
            faults.append(Fault(path, f"must be greater than {self.above:g}", describe(value)))
        elif self.low is not None and value < self.low:
            faults.append(Fault(path, f"must be at least {self.low:g}", describe(value)))
        elif self.high is not None and value > self.high:
            faults.append(Fault(path, f"must be at most {self.high:g}", describe(value)))
        else:
            return float(value)
        return 0.0

    def schema(self) -> JsonSchema:
        bounds = {"exclusiveMinimum": self.above, "minimum": self.low, "maximum": self.high}
        return {"type": "number"} | {
            word: bound for word, bound in bounds.items() if bound is not None
        }


@dataclass(frozen=True)
class Many:
    """A list of a kind; a single one may stand for a list of it."""

    kind: Kind
    least: int = 0
    most: int = 10_000

    def read(self, value: Any, path: KeyPath, faults: Faults) -> tuple[Any, ...]:
        if not isinstance(value, list):
            return (self.kind.read(value, path, faults),)
        if not self.least <= len(value) <= self.most:
            faults.append(
                Fault(path, f"must have {self.least} to {self.most} entries", str(len(value)))
            )
        items = []
        for index, item in enumerate(value):
            before = len(faults)
            read = self.kind.read(item, (*path, index), faults)
            if len(faults) == before or isinstance(self.kind, Group):
                items.append(read)
        return tuple(items)

    def schema(self) -> JsonSchema:
        items = self.kind.schema()
        return {
            "anyOf": [
                {"type": "array", "items": items, "minItems": self.least, "maxItems": self.most},
                items,
            ]
        }


@dataclass(frozen=True)
class Tree:
    """A mapping that is read elsewhere; ``described`` is its JSON Schema."""

    described: Callable[[], JsonSchema] = lambda: {"type": "object"}

    def read(self, value: Any, path: KeyPath, faults: Faults) -> dict[str, Any]:
        if isinstance(value, Mapping):
            return dict(value)
        faults.append(Fault(path, "must be a mapping", describe(value)))
        return {}

    def schema(self) -> JsonSchema:
        return self.described()


@dataclass(frozen=True)
class Field:
    """One key: its kind, what it is where it is left out, and a line on what it is for."""

    kind: Kind
    default: Any = None
    doc: str = ""
    required: bool = False


@dataclass(frozen=True)
class Group:
    """A mapping with known keys, built into a value. ``short``: the key that a plain text stands
    for.
    """

    fields: Mapping[str, Field]
    build: Callable[..., Any] = dict
    short: str = ""
    foreign: Mapping[str, str] = field(default_factory=dict)

    def read(self, value: Any, path: KeyPath, faults: Faults) -> Any:
        if isinstance(value, str) and self.short:
            value = {self.short: value}
            faults.extend(self.shortened(value, path))
            return self.build(**self.values(value, path, []))
        if not isinstance(value, Mapping):
            must = "must be a name or a mapping" if self.short else "must be a mapping"
            faults.append(Fault(path, must, describe(value), alternatives(self.fields)))
            value = {key: field.default for key, field in self.fields.items()}
            return self.build(**value)
        return self.build(**self.values(value, path, faults))

    def shortened(self, value: Mapping[str, Any], path: KeyPath) -> Faults:
        """Faults of a name that stands for the mapping, at the path where the user wrote it."""
        found: Faults = []
        self.values(value, path, found)
        return [
            Fault(path, fault.must, fault.found, fault.accepted, fault.nearest) for fault in found
        ]

    def values(self, tree: Mapping[str, Any], path: KeyPath, faults: Faults) -> dict[str, Any]:
        """Every field's value, read or by default."""
        faults.extend(
            unknown_key_fault((*path, key), self.fields, dict(self.foreign))
            for key in tree
            if key not in self.fields
        )
        values = {}
        for key, known in self.fields.items():
            values[key] = known.default
            if key not in tree or (
                tree[key] is None and known.default is None and not known.required
            ):
                if known.required:
                    faults.append(Fault((*path, key), "must be given", "nothing"))
                continue
            before = len(faults)
            read = known.kind.read(tree[key], (*path, key), faults)
            if len(faults) == before or isinstance(known.kind, Group | Many):
                values[key] = read
        return values

    def schema(self) -> JsonSchema:
        properties = {}
        for key, known in self.fields.items():
            properties[key] = known.kind.schema() | (
                {"description": known.doc} if known.doc else {}
            )
        described: JsonSchema = {
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
        }
        required = [key for key, known in self.fields.items() if known.required]
        if required:
            described["required"] = required
        return (
            {"anyOf": [described, self.fields[self.short].kind.schema()]}
            if self.short
            else described
        )


FACTORY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Forms:
    """A mapping whose ``name`` decides which other keys it has; a plain name may stand for it.

    ``common`` keys go with every name. ``factory``: the name may also be ``package.module:factory``
    with any options. ``build`` is handed the name, the common values and the options, with the
    defaults that the form has filled in.
    """

    kind: str
    forms: Mapping[str, Mapping[str, Field]]
    common: Mapping[str, Field]
    build: Callable[..., Any]
    foreign: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    factory: bool = False
    default: str = ""
    """The name that a mapping without one has."""

    def read(self, value: Any, path: KeyPath, faults: Faults) -> Any:
        tree = {"name": value} if isinstance(value, str) else value
        if self.default and isinstance(tree, Mapping):
            tree = {"name": self.default, **tree}
        if not isinstance(tree, Mapping) or not isinstance(tree.get("name"), str):
            found = tree.get("name") if isinstance(tree, Mapping) else value
            at = (*path, "name") if isinstance(tree, Mapping) else path
            faults.append(
                Fault(
                    at,
                    f"must be the name of a {self.kind}",
                    describe(found),
                    alternatives(self.names()),
                )
            )
            return None
        name = tree["name"]
        own = self.forms.get(name)
        if own is None and not (self.factory and FACTORY.fullmatch(name)):
            at = path if isinstance(value, str) else (*path, "name")
            ours = self.foreign.get(name.lower().replace("_", "-"), "") or closest_match(
                name, self.forms
            )
            faults.append(
                Fault(
                    at,
                    f"must name a known {self.kind}",
                    describe(name),
                    alternatives(self.names()),
                    ours,
                )
            )
            own = None
        return self.form(name, own, tree, path, faults)

    def form(
        self,
        name: str,
        own: Mapping[str, Field] | None,
        tree: Mapping[str, Any],
        path: KeyPath,
        faults: Faults,
    ) -> Any:
        keys = {"name": Field(Text()), **self.common, **(own or {})}
        rest = {key: value for key, value in tree.items() if key not in keys}
        known = {key: value for key, value in tree.items() if key in keys}
        if own is not None:
            faults.extend(unknown_key_fault((*path, key), keys, dict(self.words)) for key in rest)
        values = Group(keys).values(known, path, faults)
        common = {key: values[key] for key in self.common}
        options = {key: values[key] for key in own or () if values[key] is not None}
        return self.build(name=name, options=options if own is not None else rest, **common)

    def names(self) -> list[str]:
        return [*self.forms, *(["package.module:factory"] if self.factory else [])]

    def schema(self) -> JsonSchema:
        shapes: list[JsonSchema] = [{"enum": list(self.forms)}]
        for name, own in self.forms.items():
            shape = Group({**self.common, **own}).schema()
            shape["properties"] = {"name": {"const": name}, **shape["properties"]}
            shapes.append(shape if name == self.default else shape | {"required": ["name"]})
        if self.factory:
            shape = {"type": "string", "pattern": f"^{FACTORY.pattern}$"}
            shapes += [
                shape,
                {"type": "object", "properties": {"name": shape}, "required": ["name"]},
            ]
        return {"anyOf": shapes}
