"""Who may change something: the page itself, and programs that have the full token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiohttp import web

from study.page import routes

from ..served import FULL, LOOKING, TOKENS, Served, serving, settings_of


async def acted(request: web.Request) -> web.Response:
    return web.json_response({"acted": True})


@pytest.fixture(scope="module")
def acting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with an address that acts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routes, "ROUTES", (*routes.ROUTES, ("POST", "/api/act", acted)))
        with serving(settings_of(tmp_path_factory.mktemp("none"))) as server:
            yield server


def cookie(served: Served, token: str | None) -> dict[str, str]:
    return {"Cookie": f"study_token_{served.port}={token}"}


def test_a_program_with_the_full_token_acts(acting: Served) -> None:
    assert acting.ask("/api/act", FULL, "POST", b"").status == 200


def test_a_read_only_token_does_not(acting: Served) -> None:
    answer = acting.ask("/api/act", LOOKING, "POST", b"")
    assert answer.status == 403
    assert "only reads" in answer.data["error"]


def test_the_page_itself_acts(acting: Served) -> None:
    own = {"Origin": f"http://127.0.0.1:{acting.port}", "Sec-Fetch-Site": "same-origin"}
    full = cookie(acting, TOKENS.full)
    assert acting.ask("/api/act", full | own, "POST", b"").status == 200
    only_origin = full | {"Origin": own["Origin"]}
    assert acting.ask("/api/act", only_origin, "POST", b"").status == 200
    only_site = full | {"Sec-Fetch-Site": "same-origin"}
    assert acting.ask("/api/act", only_site, "POST", b"").status == 200
    assert acting.ask("/api/act", cookie(acting, TOKENS.read_only) | own, "POST", b"").status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "", "Sec-Fetch-Site": "same-origin"},
        {},
    ],
)
def test_a_page_elsewhere_does_not(acting: Served, headers: dict[str, str]) -> None:
    full = cookie(acting, TOKENS.full)
    assert acting.ask("/api/act", full | headers, "POST", b"").status == 403
    if headers:
        assert acting.ask("/api/act", FULL | headers, "POST", b"").status == 403


def test_a_token_in_the_address_does_not_act(acting: Served) -> None:
    own = {"Origin": f"http://127.0.0.1:{acting.port}"}
    assert acting.ask(f"/api/act?token={TOKENS.full}", own, "POST", b"").status == 401
