"""Whatever goes wrong with a request becomes one sentence, as JSON or as a page."""

from __future__ import annotations

import logging

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from study.errors import OutsideFault, StudyError, StudyLocked, StudyNotFound
from study.files.visible_text import visible
from study.page.answers import page_answer, takes_html

_LOG = logging.getLogger("study.page")
_WORDS = {
    404: "there is nothing at this address",
    405: "this address isn't asked for in this way",
    413: "what was sent is too large",
}
"""What is said of the errors that the server finds by itself."""


@web.middleware
async def say_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer with what went wrong, where something did."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        return _fault(request, answer.status, _sentence_of(answer), answer.headers.get(hdrs.ALLOW))
    except (StudyError, OSError) as error:
        if isinstance(error, ConnectionError):
            raise  # whoever asked has gone
        return _fault(request, _status_of(error), _words_of(error))
    except Exception:
        _LOG.exception("a request for %s could not be answered", visible(request.path))
        return _fault(request, 500, "the server has a fault; its log says more")


def _sentence_of(answer: web.HTTPException) -> str:
    own = answer.text or ""
    is_own = own and own != f"{answer.status}: {answer.reason}"
    return own if is_own else _WORDS.get(answer.status, answer.reason.lower())


def _status_of(error: Exception) -> int:
    match error:
        case StudyNotFound():
            return 404
        case StudyLocked():
            return 409
        case OutsideFault() | OSError():
            return 503
        case _:
            return 400


def _words_of(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'the storage'}: {error.strerror or error}"
    return str(error)


def _fault(
    request: web.Request, status: int, sentence: str, allow: str | None = None
) -> web.Response:
    text = visible(sentence)
    if takes_html(request):
        response = page_answer(request, "fault.html.j2", {"status": status, "sentence": text})
    else:
        response = web.json_response({"error": text})
    response.set_status(status)
    if status == 401:
        response.headers[hdrs.WWW_AUTHENTICATE] = "Bearer"
    if allow:
        response.headers[hdrs.ALLOW] = allow
    return response
