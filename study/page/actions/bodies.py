"""What is sent with each action: its fields, validated whole before anything is done."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator

from study.errors import UserError
from study.spec.parts.file_section import FileSection
from study.validation.document import parse_document
from study.validation.numbers import AtLeastOne, Natural, Replicates, ZeroOrMore
from study.validation.path_value import parse_path_value
from study.validation.section import list_to_tuple
from study.validation.vocabulary import Vocabulary

_Body = TypeVar("_Body", bound="Body")


class BadBody(UserError):
    """What was sent isn't what the action takes; its text says each fault."""


class Body(FileSection):
    """The fields of an action."""

    @classmethod
    def of_form(cls, fields: Mapping[str, str]) -> dict[str, Any]:
        """Return a form's texts as a program would have sent them. Raises BadBody."""
        return {name: _number(text) for name, text in fields.items()}


def _number(text: str) -> int | str:
    is_number = text.strip().isascii() and text.strip().isdigit() and len(text) < 12
    return int(text) if is_number else text


class Nothing(Body):
    """An action that takes no fields."""


class Totals(Body):
    """How far a study is to go."""

    points: AtLeastOne | None = None
    """how many points the study may propose, as a new total"""
    replicates: Replicates | None = None
    """how many seeds each point is trained with, as a new total"""

    def counts(self) -> dict[str, int]:
        """Return the totals that are stated."""
        totals = {"points": self.points, "replicates": self.replicates}
        return {what: total for what, total in totals.items() if total is not None}


class Values(Body):
    """A point of one's own."""

    values: dict[str, Any]
    """the point's values by their dotted paths; what is left out has the recipe's value"""

    @classmethod
    def of_form(cls, fields: Mapping[str, str]) -> dict[str, Any]:
        """Read one ``path=value`` a line."""
        values: dict[str, Any] = {}
        for line in fields.get("values", "").splitlines():
            if not line.strip():
                continue
            read = parse_path_value(line.strip())
            if read is None or read.faults:
                raise BadBody(f"values: a line must be path=value; found {line.strip()!r:.80}")
            values[read.path] = read.value
        return {**fields, "values": values}

    def texts(self) -> list[str]:
        """Return the values as ``path=value`` texts of the command line."""
        return [f"{path}={json.dumps(value)}" for path, value in self.values.items()]


class Failed(Body):
    """Failed trials that run again: those named, or all."""

    trials: Annotated[tuple[Natural, ...], BeforeValidator(list_to_tuple)] = ()
    """the failed trials' numbers"""
    failed: bool = False
    """whether all that failed run again"""

    @classmethod
    def of_form(cls, fields: Mapping[str, str]) -> dict[str, Any]:
        """Read numbers between which there are spaces or commas."""
        tree: dict[str, Any] = dict(fields)
        if "trials" in tree:
            tree["trials"] = [_number(word) for word in tree["trials"].replace(",", " ").split()]
        if "failed" in tree:
            tree["failed"] = tree["failed"] in ("true", "on")
        return tree


class File(Body):
    """A study file, and where its study is kept."""

    file: str
    """the study file's text"""
    storage: str = ""
    """the label of the storage; may be left out where one alone is served"""

    @classmethod
    def of_form(cls, fields: Mapping[str, str]) -> dict[str, Any]:
        """Texts are texts; lines end as they do in files."""
        return {**fields, "file": fields.get("file", "").replace("\r\n", "\n")}


class OnePoint(Body):
    """A point of the study."""

    point: Natural
    """the point's number"""


class Weight(Body):
    """A study's share of its cluster."""

    weight: ZeroOrMore
    """its weight among the cluster's studies; 0 for what nobody else wants"""

    @classmethod
    def of_form(cls, fields: Mapping[str, str]) -> dict[str, Any]:
        """Read a number with or without a point."""
        tree: dict[str, Any] = dict(fields)
        with suppress(ValueError, KeyError):
            tree["weight"] = float(tree["weight"])
        return tree


def parse_body(kind: type[_Body], tree: object) -> _Body:
    """Return what was sent as the fields of an action; BadBody with every fault of it."""
    if not isinstance(tree, Mapping):
        raise BadBody("the body must be a JSON object")
    body, faults = parse_document(Vocabulary(kind, key_synonyms={}), tree)
    if faults or body is None:
        # of a field's faults the first is its own, and the others are due to that
        first = {fault.path: fault for fault in reversed(faults)}
        raise BadBody("; ".join(str(fault) for fault in reversed(first.values())))
    return body
