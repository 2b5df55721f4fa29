"""What a request sends: a JSON object by a program, a form by a person's browser."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NoReturn

from aiohttp import web

from study.page.access.forms import FIELD, check_word, is_form
from study.page.actions.bodies import BadBody

_SENT_WITHIN_S = 30.0
"""Whoever sends more slowly is no longer waited for."""
_DEEPEST = 20
"""So deep may what is sent be nested."""


async def sent(request: web.Request) -> Mapping[str, Any]:
    """Return what was sent: JSON as it is, a form's fields as JSON would have them.

    Raises BadBody where it is neither, and refuses a form that is none of the page's own.
    """
    try:
        async with asyncio.timeout(_SENT_WITHIN_S):
            if is_form(request):
                return _form_tree(request, await _fields(request))
            content = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="what was to be sent did not come") from None
    if not content:
        return {}
    if request.content_type != "application/json":
        raise BadBody("the body must be JSON, sent with Content-Type: application/json")
    return _json_tree(content)


async def _fields(request: web.Request) -> Mapping[str, Any]:
    """Return a form's fields. Raises BadBody where it isn't written as it says."""
    try:
        return await request.post()
    except (ValueError, LookupError, AssertionError) as error:  # aiohttp has each of these
        raise BadBody(f"the form must be written as its Content-Type says; {error}") from None


def _json_tree(content: bytes) -> Mapping[str, Any]:
    try:
        tree = json.loads(content, parse_constant=_refuse, object_pairs_hook=_plain_object)
        _check_depth(tree, 0)
    except (ValueError, RecursionError) as error:
        raise BadBody(f"the body must be JSON; {error}") from None
    if not isinstance(tree, dict):
        raise BadBody("the body must be a JSON object")
    return tree


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of it")


def _plain_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _check_depth(tree: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    inner = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for part in inner:
        _check_depth(part, depth + 1)


def _form_tree(request: web.Request, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form's fields without its word; those left empty were not sent."""
    check_word(request, fields.get(FIELD))
    tree = {}
    for name, text in fields.items():
        if not isinstance(text, str):
            raise BadBody(f"{name}: must be text; found a file")
        if name != FIELD and text.strip():
            tree[name] = text
    return tree
