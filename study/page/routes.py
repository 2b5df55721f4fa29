"""Every address that is answered, in one table."""

from __future__ import annotations

from aiohttp import hdrs, web

from study.page.actions.table import ACTIONS
from study.page.views.act import act
from study.page.views.actions import stop_trial, study_action
from study.page.views.compare import compare
from study.page.views.events import list_events, study_events
from study.page.views.health import health
from study.page.views.openapi import openapi
from study.page.views.query import query, query_csv
from study.page.views.static import static
from study.page.views.studies import studies
from study.page.views.study import study
from study.page.views.submit import preview, submit, submit_page
from study.page.views.trial import trial, trial_log

GET, POST = hdrs.METH_GET, hdrs.METH_POST

ROUTES = (
    (GET, "/", studies),
    (GET, "/index.json", studies),
    (GET, "/events", list_events),
    (GET, "/s/{label}/{name}", study),
    (GET, "/s/{label}/{name}/events", study_events),
    (GET, "/s/{label}/{name}/t/{trial}", trial),
    (GET, "/s/{label}/{name}/t/{trial}/log", trial_log),
    (GET, "/compare", compare),
    (GET, "/compare.json", compare),
    (GET, "/query", query),
    (GET, "/query.json", query),
    (GET, "/query.csv", query_csv),
    (GET, "/s/{label}/{name}/do/{action}", act),
    *((POST, f"/api/s/{{label}}/{{name}}/{name}", study_action(name)) for name in ACTIONS),
    (POST, "/api/s/{label}/{name}/t/{trial}/stop", stop_trial),
    (GET, "/submit", submit_page),
    (POST, "/api/preview", preview),
    (POST, "/api/submit", submit),
    (GET, "/api/openapi.json", openapi),
    (GET, "/static/{file}", static),
    (GET, "/health", health),
)
"""Method, path and handler. A page's data lies behind its path with ``.json``."""


def add_routes(app: web.Application, base_path: str) -> None:
    """Lead every address of the table to its handler."""
    for method, path, handler in ROUTES:
        if method == GET:
            app.router.add_get(base_path + path, handler)
        else:
            app.router.add_route(method, base_path + path, handler)
