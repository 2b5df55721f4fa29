"""The API is what its description says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest

from study.page.routes import ROUTES
from study.page.views.openapi import description

from ....analysis.conftest import Maker, sgd
from ..served import BROWSER, FULL, Served, serving, settings_of

DESCRIPTION = description("")
WAYS = [(method, path) for path, ways in DESCRIPTION["paths"].items() for method in ways]


def check(schema: dict[str, Any], content: Any) -> None:
    jsonschema.Draft202012Validator({**schema, "components": DESCRIPTION["components"]}).validate(
        content
    )


def check_answer(method: str, path: str, status: str, content: Any) -> None:
    answers = DESCRIPTION["paths"][path][method]["responses"]
    (media,) = answers[status]["content"].values()
    check(media["schema"], content)


def test_each_route_is_described_and_each_description_is_a_route() -> None:
    routes = {(method.lower(), path) for method, path, _ in ROUTES}
    twins = {way for way in WAYS if way not in routes}
    assert routes <= set(WAYS)
    assert {path for _, path in twins} == {
        "/s/{label}/{name}.json",
        "/s/{label}/{name}/t/{trial}.json",
        "/s/{label}/{name}/do/{action}.json",
    }
    assert all((method, path.removesuffix(".json")) in routes for method, path in twins)


def test_it_is_served_and_its_schemas_are_schemas(served: Served) -> None:
    assert served.data("/api/openapi.json") == DESCRIPTION
    for schema in DESCRIPTION["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    names = [
        each["operationId"] for ways in DESCRIPTION["paths"].values() for each in ways.values()
    ]
    assert len(names) == len(set(names))


SQL = quote("SELECT study, state FROM trials")
LOOKED_AT = {
    "/index.json": "/index.json",
    "/s/{label}/{name}.json": "/s/lab/mixed.json",
    "/s/{label}/{name}/t/{trial}.json": "/s/lab/mixed/t/5.json",
    "/s/{label}/{name}/do/{action}.json": "/s/lab/mixed/do/drop.json?point=1",
    "/compare.json": "/compare.json?a=lab/mixed&b=lab/thirty",
    "/query.json": f"/query.json?sql={SQL}",
    "/health": "/health",
    "/": "/",
    "/s/{label}/{name}": "/s/lab/begun",
    "/s/{label}/{name}/t/{trial}": "/s/lab/mixed/t/0",
    "/s/{label}/{name}/t/{trial}/log": "/s/lab/mixed/t/0/log",
    "/s/{label}/{name}/do/{action}": "/s/lab/mixed/do/add",
    "/compare": "/compare",
    "/query": "/query",
    "/query.csv": f"/query.csv?sql={SQL}",
    "/submit": "/submit",
    "/api/openapi.json": "/api/openapi.json",
}


@pytest.mark.parametrize("path", LOOKED_AT)
def test_what_is_answered_is_as_described(served: Served, path: str) -> None:
    (kind,) = DESCRIPTION["paths"][path]["get"]["responses"]["200"]["content"]
    answer = served.ask(LOOKED_AT[path], FULL | BROWSER)
    assert answer.status == 200
    assert answer.headers["Content-Type"].partition(";")[0] == kind
    if kind == "application/json":
        check_answer("get", path, "200", answer.data)


def test_what_is_looked_at_is_all_that_is_described() -> None:
    streams = {"/events", "/s/{label}/{name}/events", "/static/{file}"}
    assert {path for method, path in WAYS if method == "get"} == {*LOOKED_AT, *streams}


def test_each_action_takes_and_answers_what_is_described(tmp_path: Path) -> None:
    study = Maker(tmp_path / "lab", name="one")
    study.complete_point(sgd(0.1, 0.9), [0.90, 0.92])
    study.report(study.start(study.point(sgd(0.2, 0.9)), 0), 1, 0.5)
    study.close(0, "interrupted")
    values = {"optimizer.name": "sgd", "optimizer.lr": 0.25, "optimizer.momentum": 0.5}
    file = "study: tiny\nsampler: first-only\nfirst: [{set: {}}]\nrecipe: {model: mlp}\n"
    sent: dict[str, Any] = {
        "add": {"values": values},
        "t/{trial}/stop": {},
        "drop": {"point": 0},
        "share": {"weight": 2},
        "stop": {},
        "resume": {},
        "extend": {"points": 60},
        "retry": {"failed": True},
    }
    done = []
    with serving(settings_of(tmp_path / "lab")) as served:
        for what, body in sent.items():
            path = "/api/s/{label}/{name}/" + what
            address = path.format(label="lab", name="one", trial=2)
            done.append(_check_post(served, path, address, body))
        assert _check_post(served, "/api/preview", "/api/preview", {"file": file}) == 200
        assert _check_post(served, "/api/submit", "/api/submit", {"file": file}) == 409
    assert done == [200, 200, 200, 200, 409, 409, 409, 409]
    described = {path for method, path in WAYS if method == "post"}
    assert described == {
        *("/api/s/{label}/{name}/" + what for what in sent),
        "/api/preview",
        "/api/submit",
    }


def _check_post(served: Served, path: str, address: str, body: Any) -> int:
    described = DESCRIPTION["paths"][path]["post"]["requestBody"]["content"]
    check(described["application/json"]["schema"], body)
    headers = FULL | {"Content-Type": "application/json"}
    answer = served.ask(address, headers, "POST", json.dumps(body).encode())
    check_answer("post", path, "200" if answer.status == 200 else "default", answer.data)
    wrong = served.ask(address, headers, "POST", b'{"nix": 1}')
    assert wrong.status == 400
    check_answer("post", path, "default", wrong.data)
    return answer.status
