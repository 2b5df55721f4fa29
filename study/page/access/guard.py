"""Lets in only requests that may be answered, before anything else is looked at.

In this order: the Host is one that is served, the token is right, and what changes something comes
from the page itself, or from a program that has the full token.
"""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from study.page.access.hosts import name_in
from study.page.access.tokens import Rights, Tokens

RIGHTS = web.RequestKey("rights", Rights)
"""What the request's token lets its sender do."""
_LOOKING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_BEARER = "bearer "
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What browsers are told with every answer. Plots have styles on their elements; nothing else that
stands in a page acts.
"""


class Guard:
    """The conditions on which requests are answered."""

    def __init__(
        self, tokens: Tokens, names: frozenset[str], *, base_path: str, cookie: str, secure: bool
    ) -> None:
        self._tokens = tokens
        self._names = names
        self._base_path = base_path
        self._cookie = cookie
        self._secure = secure

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request that may be answered, and refuse the others."""
        self._check_host(request)
        if request.path == f"{self._base_path}/health":
            return await handler(request)
        rights, is_bearer = self._rights(request)
        if rights is None:
            raise web.HTTPUnauthorized(
                text="a token is needed: that of the address which study serve has printed",
                headers={"WWW-Authenticate": "Bearer"},
            )
        request[RIGHTS] = rights
        if request.method not in _LOOKING:
            _check_may_act(request, rights, is_bearer)
        elif "token" in request.query:
            return self._let_in(request)
        return await handler(request)

    async def add_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        """Tell browsers with every answer what it may do."""
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")

    def _check_host(self, request: web.Request) -> None:
        hosts = request.headers.getall(hdrs.HOST, [])
        if len(hosts) != 1 or name_in(hosts[0]) not in self._names:
            raise web.HTTPMisdirectedRequest(
                text="this server isn't known by the name that was asked for; behind a proxy say"
                " --allow-host NAME"
            )

    def _rights(self, request: web.Request) -> tuple[Rights | None, bool]:
        """Return what the request's token gives, and whether a program has sent it as its own."""
        authorization = request.headers.get(hdrs.AUTHORIZATION, "")
        if authorization.lower().startswith(_BEARER):
            return self._tokens.rights_of(authorization[len(_BEARER) :].strip()), True
        if request.method in _LOOKING and "token" in request.query:
            return self._tokens.rights_of(request.query["token"]), False
        return self._tokens.rights_of(request.cookies.get(self._cookie, "")), False

    def _let_in(self, request: web.Request) -> web.Response:
        """Put the token of the address into a cookie, and lead on to the address without it."""
        rest = [(key, value) for key, value in request.query.items() if key != "token"]
        query = f"?{urlencode(rest)}" if rest else ""
        path = "/" + request.rel_url.raw_path.lstrip("/")  # a path, and never another host
        response = web.Response(status=303, headers={hdrs.LOCATION: path + query})
        response.set_cookie(
            self._cookie,
            request.query["token"],
            path=self._base_path or "/",
            httponly=True,
            samesite="Lax",
            secure=self._secure,
        )
        return response


def check_full(rights: Rights) -> None:
    """Refuse who may only look."""
    if rights is not Rights.FULL:
        raise web.HTTPForbidden(
            text="this token only reads; to change something takes the full one"
        )


def _check_may_act(request: web.Request, rights: Rights, is_bearer: bool) -> None:
    """Refuse what would change something, unless the page itself or a program with the full token
    asks for it.
    """
    check_full(rights)
    origin = request.headers.get(hdrs.ORIGIN)
    site = request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin.partition("://")[2] != request.headers[hdrs.HOST]:
        raise web.HTTPForbidden(text="a page elsewhere asked for this, and can't")
    if site not in (None, "same-origin"):
        raise web.HTTPForbidden(text="a page elsewhere asked for this, and can't")
    if origin is None and site is None and not is_bearer:
        raise web.HTTPForbidden(
            text="nothing tells where this comes from: a program sends its token as"
            " Authorization: Bearer"
        )
