"""Forms that change something say a word that only this server's own pages know, and lead to a page
that tells what was done.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict

from aiohttp import hdrs, web

from study.page.access.tokens import Tokens

FIELD = "csrf"
WORD = web.AppKey("word", str)
"""What the field of that name holds in each of the server's forms."""
_MOST_TOLD = 200
_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


def word_of(tokens: Tokens) -> str:
    """Return the word of a server's forms, from which its token can't be told."""
    return hmac.new(tokens.full.encode(), b"forms of the page", hashlib.sha256).hexdigest()


class Told:
    """What the pages tell to which forms have led, the latest of it."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()

    def keep(self, text: str) -> str:
        """Return by what the text is found again."""
        key = secrets.token_urlsafe(9)
        self._texts[key] = text
        while len(self._texts) > _MOST_TOLD:
            self._texts.popitem(last=False)
        return key

    def get(self, key: str) -> str:
        """Return a text; empty where it was never told, or long ago."""
        return self._texts.get(key, "")


TOLD = web.AppKey("told", Told)


def is_form(request: web.Request) -> bool:
    """Whether a form was sent, by a person's browser."""
    return request.method == hdrs.METH_POST and request.content_type in _TYPES


def check_word(request: web.Request, given: object) -> None:
    """Refuse a form that isn't one of the server's own."""
    said = given if isinstance(given, str) else ""
    if not hmac.compare_digest(said.encode(errors="replace"), request.app[WORD].encode()):
        raise web.HTTPForbidden(
            text="this form is not one of the page as it is now: load its page again"
        )
