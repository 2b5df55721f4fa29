"""Answers who asks for an action: programs with data, a form by leading to a page that tells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from aiohttp import hdrs, web

from study.errors import SpecError, StudyLocked, StudyNotFound, Untrusted, UserError
from study.execution.changes import Change
from study.page.access.forms import TOLD, is_form
from study.page.actions.bodies import BadBody, parse_body
from study.page.actions.doing import DOING
from study.page.actions.requests import sent
from study.page.actions.table import ACTIONS, STOP_TRIAL, Action, Asked
from study.page.answers import data_answer, in_thread
from study.page.readings.followed_study import FollowedStudy
from study.page.site import SITE
from study.page.views.trial import trial_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def study_action(name: str) -> Handler:
    """Return the handler of one of the actions on a study."""

    async def handler(request: web.Request) -> web.Response:
        return await _act(request, ACTIONS[name])

    return handler


async def stop_trial(request: web.Request) -> web.Response:
    """Stop one trial of a study."""
    return await _act(request, STOP_TRIAL)


async def _act(request: web.Request, action: Action) -> web.Response:
    site, doing = request.app[SITE], request.app[DOING]
    label, name = request.match_info["label"], request.match_info["name"]
    study = await in_thread(site.library.study, label, name)
    trial = await in_thread(_trial, study, request.match_info.get("trial"))
    tree = await sent(request)
    fields = action.body.of_form(tree) if is_form(request) else tree
    asked = Asked(study.paths, parse_body(action.body, fields), doing.launcher, trial)
    change = await doing.do(label, name, lambda: done(action, asked))
    where = ("s", label, name) if trial < 0 else ("s", label, name, "t", trial)
    return _answer(request, change, site.url(*where))


def _trial(study: FollowedStudy, number: str | None) -> int:
    """Return the number of the address's trial, -1 without one; StudyNotFound where it isn't."""
    if number is None:
        return -1
    with study.lock:
        study.read_on()
        return trial_of(study, number).number


def done(action: Action, asked: Asked) -> Change:
    """Do it. What the study as it is doesn't allow is a conflict, and is told as the command tells
    it.
    """
    with as_conflict(lambda: action.command(asked, "--trust")):
        asked.paths.check_plain()
        return action.do(asked)


@contextmanager
def as_conflict(command: Callable[[], str] | None = None) -> Iterator[None]:
    """Turn what can't be done into a conflict; what was sent wrongly stays what it is.

    ``command`` says the line for a shell that does the same with code that is trusted.
    """
    try:
        yield
    except Untrusted as error:
        again = f": {command()}" if command else ""
        raise web.HTTPConflict(text=f"{error}{again}") from None
    except (BadBody, SpecError, StudyNotFound, StudyLocked):
        raise
    except UserError as error:
        raise web.HTTPConflict(text=str(error)) from None


def _answer(request: web.Request, change: Change, page: str) -> web.Response:
    """Tell a program what was done, and lead a person to the page that does."""
    text = "\n".join(change.lines)
    if is_form(request):
        key = request.app[TOLD].keep(text)
        return web.Response(status=303, headers={hdrs.LOCATION: f"{page}?told={key}"})
    return data_answer({"message": text, "by_driver": change.is_asked, **change.facts})
