"""The API's own description, as one OpenAPI file: every address, what is sent, what is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from study.execution.provenance import version
from study.page.actions.bodies import Body, File
from study.page.actions.table import ACTIONS, STOP_TRIAL
from study.page.site import SITE

_JSON, _HTML, _TEXT = "application/json", "text/html", "text/plain"
_EVENTS, _CSV = "text/event-stream", "text/csv"
_STUDY = "/s/{label}/{name}"
_TEXT_TYPE = {"type": "string"}
_NUMBER = {"type": ["number", "null"]}
_COUNT = {"type": ["integer", "null"]}
_TABLE = {"type": "object", "properties": {"rows": {"type": "array", "items": {"type": "object"}}}}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


def _list_of(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_ROW = {
    "label": _TEXT_TYPE,
    "study": _TEXT_TYPE,
    "state": _TEXT_TYPE,
    "driver": _TEXT_TYPE,
    "points": _COUNT,
    "of": _COUNT,
    "objective": {"type": ["string", "null"]},
    "best": _NUMBER,
    "best_low": _NUMBER,
    "best_high": _NUMBER,
    "failures": _COUNT,
    "trial_seconds": _NUMBER,
    "share": {"type": ["object", "null"], "description": "of the cluster that it is on"},
    "money": _NUMBER,
    "lost_money": _NUMBER,
    "unpriced_hours": _NUMBER,
    "currency": {"type": ["string", "null"]},
    "spend": _NUMBER,
    "seconds_left": _NUMBER,
    "updated": {"type": ["string", "null"]},
}
_LINES = {"type": "array", "items": _TEXT_TYPE}
_SCHEMAS: Mapping[str, Any] = {
    "Error": _object("error", error=_TEXT_TYPE) | {"additionalProperties": False},
    "Health": _object("status", status={"const": "ok"}),
    "Row": _object("label study state driver points best", **_ROW),
    "Studies": _object("studies faults", studies=_list_of("Row"), faults={"type": "object"}),
    "Study": _object(
        "label study state question answer warnings tables",
        **_ROW,
        question=_TEXT_TYPE,
        answer=_LINES,
        warnings=_LINES,
        tables={"type": "object", "additionalProperties": _TABLE},
    ),
    "Trial": _object(
        "study trial point replicate seed state epochs values attempts rows proposal end",
        study=_TEXT_TYPE,
        trial={"type": "integer"},
        point={"type": "integer"},
        replicate={"type": "integer"},
        seed={"type": "integer"},
        state={"enum": ["WAITING", "RUNNING", "COMPLETE", "PRUNED", "FAIL"]},
        epochs={"type": "integer"},
        trial_seconds=_NUMBER,
        money=_NUMBER,
        currency={"type": ["string", "null"]},
        values={"type": "object"},
        attempts={"type": "array", "items": {"type": "object"}},
        rows={"type": "array", "items": {"type": "object"}},
        proposal={"type": "object"},
        end={"type": ["object", "null"]},
    ),
    "Comparison": _object("studies comparison", studies=_list_of("Row"), comparison=_TABLE),
    "Answer": _object(
        "rows cut",
        rows={"type": "array", "items": {"type": "object"}},
        cut={"type": "boolean", "description": "whether rows were left out"},
    ),
    "Prospect": _object(
        "action fields will error facts",
        action=_TEXT_TYPE,
        fields={"type": "object"},
        will=_LINES,
        error=_TEXT_TYPE,
        facts={"type": "object"},
    ),
    "Done": _object(
        "message by_driver",
        message={"type": "string", "description": "what was done, as the command says it"},
        by_driver={"type": "boolean", "description": "whether a driver does it, or drives now"},
    ),
    "Preview": _object(
        "study lines preview", study=_TEXT_TYPE, lines=_LINES, preview={"type": "object"}
    ),
}


@dataclass(frozen=True)
class _Address:
    """An address and how it is asked for."""

    path: str
    summary: str
    answer: str | None
    """The schema's name of an answer in JSON; None for another type's."""
    content_type: str = _JSON
    method: str = "get"
    query: tuple[str, ...] = ()
    body: type[Body] | None = None


def _posted() -> Iterator[_Address]:
    for action in ACTIONS.values():
        path = f"/api{_STUDY}/{action.name}"
        yield _Address(path, action.summary, "Done", method="post", body=action.body)
    path = f"/api{_STUDY}/t/{{trial}}/stop"
    yield _Address(path, STOP_TRIAL.summary, "Done", method="post", body=STOP_TRIAL.body)
    preview = "What a study file would do, or its faults"
    yield _Address("/api/preview", preview, "Preview", method="post", body=File)
    yield _Address("/api/submit", "Have a study file run", "Done", method="post", body=File)


_FIELDS = ("points", "replicates", "values", "point", "trials", "failed", "weight", "trial")
ADDRESSES = (
    _Address("/", "All studies", None, _HTML, query=("q", "state", "sort", "order")),
    _Address("/index.json", "All studies", "Studies", query=("q", "state", "sort", "order")),
    _Address("/events", "What changes in the list of studies", None, _EVENTS, query=("known",)),
    _Address(_STUDY, "A study", None, _HTML, query=("part", "wait")),
    _Address(f"{_STUDY}.json", "A study: state, answer, warnings, tables", "Study"),
    _Address(f"{_STUDY}/events", "What changes in a study", None, _EVENTS, query=("known",)),
    _Address(f"{_STUDY}/t/{{trial}}", "A trial", None, _HTML),
    _Address(f"{_STUDY}/t/{{trial}}.json", "A trial: values, attempts, epochs, why", "Trial"),
    _Address(f"{_STUDY}/t/{{trial}}/log", "A trial's events and output", None, _TEXT),
    _Address(f"{_STUDY}/do/{{action}}", "What an action would do", None, _HTML, query=_FIELDS),
    _Address(f"{_STUDY}/do/{{action}}.json", "What it would do", "Prospect", query=_FIELDS),
    _Address("/compare", "Two studies side by side", None, _HTML, query=("a", "b")),
    _Address("/compare.json", "Two studies side by side", "Comparison", query=("a", "b")),
    _Address("/query", "A question in SQL", None, _HTML, query=("sql",)),
    _Address("/query.json", "What a query finds", "Answer", query=("sql",)),
    _Address("/query.csv", "What a query finds, as CSV", None, _CSV, query=("sql",)),
    _Address("/submit", "The form that submits a study file", None, _HTML, query=("draft",)),
    *_posted(),
    _Address("/api/openapi.json", "This file", None),
    _Address("/static/{file}", "The page's own files", None, "*/*"),
    _Address("/health", "Whether the server lives; without a token", "Health"),
)
"""Every address; a page's data lies behind its path with ``.json``."""


async def openapi(request: web.Request) -> web.Response:
    """Answer with the description."""
    return web.json_response(description(request.app[SITE].settings.base_path))


def description(base_path: str) -> dict[str, Any]:
    """Return the OpenAPI file of a server below a path."""
    paths: dict[str, Any] = {}
    for address in ADDRESSES:
        paths.setdefault(address.path, {})[address.method] = _operation(address)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ray-study: the page and its API", "version": version("ray-study")},
        "servers": [{"url": base_path or "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**_SCHEMAS, **{kind.__name__: _sent(kind) for kind in _kinds()}},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _kinds() -> list[type[Body]]:
    return list(dict.fromkeys(each.body for each in ADDRESSES if each.body is not None))


def _sent(kind: type[Body]) -> dict[str, Any]:
    return kind.model_json_schema(ref_template="#/components/schemas/{model}")


def _operation(address: _Address) -> dict[str, Any]:
    places = [_parameter(name, "path") for name in re.findall(r"{(\w+)}", address.path)]
    asked = [_parameter(name, "query") for name in address.query]
    schema = _ref(address.answer) if address.answer else {}
    told: dict[str, Any] = {_JSON: {"schema": _ref("Error")}}
    if address.content_type == _HTML:
        told[_HTML] = {"schema": {}}  # to whoever takes pages
    failed = {"description": "one sentence", "content": told}
    operation: dict[str, Any] = {
        "summary": address.summary,
        "operationId": re.sub(r"\W+", "_", f"{address.method} {address.path}").strip("_"),
        "parameters": [*places, *asked],
        "responses": {
            "200": {"description": "done", "content": {address.content_type: {"schema": schema}}},
            "default": failed,
        },
    }
    if address.path == "/health":
        operation["security"] = []
    if address.body is not None:
        fields = {_JSON: {"schema": _ref(address.body.__name__)}}
        is_needed = any(field.is_required() for field in address.body.model_fields.values())
        operation["requestBody"] = {"content": fields, "required": is_needed}
        led = "to a form of the page: it leads to the page that tells what was done"
        operation["responses"]["303"] = {"description": led}
    return operation


def _parameter(name: str, place: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": _TEXT_TYPE}
