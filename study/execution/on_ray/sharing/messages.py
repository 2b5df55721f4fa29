"""What drivers and the broker say to each other: plain data as JSON, with a version.

Drivers of several versions meet at one broker. Fields are only ever added, so a newer one's message
is understood as far as both can, and answered so: with the lower of both versions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from search_spaces.values import is_finite_number
from study.files.visible_text import visible

VERSION = 1
_LONGEST_NAME = 200


class NotUnderstood(Exception):
    """A message that isn't of its form; the text says why."""


@dataclass(frozen=True)
class Standing:
    """Where a study stands, as its driver says it."""

    id: str
    """The driver's own: a study that is driven anew is another one."""
    study: str
    share: float
    needs: Mapping[str, float]
    """What one trial takes of each resource, under Ray's names."""
    wanted: int
    """How many trials could run at once."""
    held: Mapping[str, int]
    """How many run, by their node's id."""
    asks: int = 0
    """For how many the cluster is to have room, beside those of other studies; it may grow."""
    waits_s: float | None = None
    """For how long trials have waited for room; None where none does."""
    leaves: bool = False
    """Whether its driver ends."""
    version: int = VERSION

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(vars(self))

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read one. Raises NotUnderstood."""
        tree = _tree(text)
        return cls(
            id=_name(tree, "id"),
            study=_name(tree, "study"),
            share=_number(tree.get("share"), "share"),
            needs={str(name): _number(need, name) for name, need in _mapping(tree, "needs")},
            wanted=int(_number(tree.get("wanted"), "wanted")),
            held={str(node): int(_number(count, node)) for node, count in _mapping(tree, "held")},
            asks=int(_number(tree.get("asks", 0), "asks")),
            waits_s=None if tree.get("waits_s") is None else _number(tree["waits_s"], "waits_s"),
            leaves=tree.get("leaves") is True,
            version=int(_number(tree.get("version"), "version")),
        )


@dataclass(frozen=True)
class Part:
    """What a study may hold of the cluster, as the broker says it."""

    most: int | None = None
    """How many trials; None where it is alone."""
    leave: Mapping[str, int] = field(default_factory=dict)
    """On which nodes, by their ids, how many trials shall make way."""
    others_wait: bool = False
    """Whether another study lacks room that it is due."""
    studies: int = 1
    """How many studies share the cluster."""
    version: int = VERSION
    fault: str = ""
    """Why the message could not be understood."""

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(vars(self))

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Read one. Raises NotUnderstood."""
        tree = _tree(text)
        if tree.get("fault"):
            raise NotUnderstood(visible(str(tree["fault"]))[:_LONGEST_NAME])
        most = tree.get("most")
        return cls(
            most=None if most is None else int(_number(most, "most")),
            leave={str(node): int(_number(count, node)) for node, count in _mapping(tree, "leave")},
            others_wait=tree.get("others_wait") is True,
            studies=int(_number(tree.get("studies", 1), "studies")),
            version=int(_number(tree.get("version"), "version")),
        )


def _tree(text: str) -> Mapping[str, Any]:
    try:
        tree = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise NotUnderstood("it is no JSON") from None
    if not isinstance(tree, dict):
        raise NotUnderstood("it is no JSON object")
    return tree


def _name(tree: Mapping[str, Any], key: str) -> str:
    name = tree.get(key)
    if not isinstance(name, str) or not name or len(name) > _LONGEST_NAME:
        raise NotUnderstood(f"{key} must be a name")
    return name


def _number(value: object, name: object) -> float:
    if not is_finite_number(value) or value < 0:
        raise NotUnderstood(f"{str(name)[:_LONGEST_NAME]} must be a number from 0")
    return float(value)


def _mapping(tree: Mapping[str, Any], key: str) -> list[tuple[object, object]]:
    found = tree.get(key, {})
    if not isinstance(found, dict):
        raise NotUnderstood(f"{key} must be an object")
    return list(found.items())
