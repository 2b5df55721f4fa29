"""What an action would do, and the form that does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from study.errors import UserError
from study.execution.driver import failed_trials
from study.page.access.guard import RIGHTS, check_full
from study.page.actions.bodies import parse_body
from study.page.actions.prospects import PROSPECTS
from study.page.actions.table import ACTIONS, STOP_TRIAL, Asked
from study.page.answers import data_answer, in_thread, page_answer, part, wants_data
from study.page.readings.followed_study import FollowedStudy
from study.page.site import SITE
from study.page.views.trial import trial_of

_OF_A_TRIAL = "stop-trial"


async def act(request: web.Request) -> web.Response:
    """Answer with what an action would do with the fields of the address."""
    name = part(request, "action")
    if name not in PROSPECTS:
        raise web.HTTPNotFound
    check_full(request[RIGHTS])
    label = part(request, "label")
    study = await in_thread(request.app[SITE].library.study, label, part(request, "name"))
    content = await in_thread(_content, study, name, dict(request.query))
    if wants_data(request):
        return data_answer(content)
    more = {"label": label, "name": study.name, "summary": _action(name).summary}
    return page_answer(request, "act.html.j2", {**content, **more})


def _action(name: str) -> Any:
    return STOP_TRIAL if name == _OF_A_TRIAL else ACTIONS[name]


def _content(study: FollowedStudy, name: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Say what would be done, or why it can't be."""
    action = _action(name)
    known = [*action.body.model_fields, "trial"]
    fields = {field: text for field, text in query.items() if field in known and text.strip()}
    content: dict[str, Any] = {"action": name, "fields": fields, "will": [], "error": ""}
    with study.lock:
        study.read_on()
        trial = trial_of(study, fields.get("trial", "")).number if name == _OF_A_TRIAL else -1
        given = {field: text for field, text in fields.items() if field != "trial"}
        try:
            body = parse_body(action.body, action.body.of_form(given))
            content["will"] = PROSPECTS[name](study, Asked(study.paths, body, trial=trial))
        except UserError as error:
            content["error"] = str(error)
        content["facts"] = _facts(study)
    return content


def _facts(study: FollowedStudy) -> dict[str, Any]:
    """What a form has to know of the study: its totals now, its points and their settings."""
    points = [point.number for point in study.history.points if not point.is_dropped]
    failed = [trial.number for trial in failed_trials(study.history, None)]
    spec = study.spec
    return {
        "points": spec.points,
        "replicates": spec.replicates,
        "share": spec.share,
        "last_point": points[-1] if points else None,
        "failed": failed,
    }
