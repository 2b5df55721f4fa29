"""What is done with studies from the page: as data by programs, by forms, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from study.execution.live_progress import LiveFile, LiveProgress, ShareSeen
from study.files import requests
from study.files.lock import acquire_lock
from study.journal.replay import read_history

from ....analysis.conftest import Maker, sgd
from ..served import BROWSER, FULL, LOOKING, TOKENS, Answer, Served, serving, settings_of


@pytest.fixture
def study(tmp_path: Path) -> Maker:
    """An interrupted study: a complete point, and one whose second trial was cut off."""
    made = Maker(tmp_path / "lab", name="one")
    made.complete_point(sgd(0.1, 0.9), [0.90, 0.92])
    point = made.point(sgd(0.2, 0.9))
    made.report(made.start(point, 0), 1, 0.5)
    made.close(0, "interrupted")
    return made


@pytest.fixture
def acting(study: Maker) -> Iterator[Served]:
    with serving(settings_of(study.paths.storage.local_path())) as server:
        yield server


@pytest.fixture
def driven(study: Maker) -> Iterator[Maker]:
    """The same study while somebody drives it."""
    lock = acquire_lock(study.paths.lock)
    yield study
    lock.release()


def post(served: Served, path: str, body: Any = None) -> Answer:
    headers = FULL | {"Content-Type": "application/json"}
    return served.ask(path, headers, "POST", b"" if body is None else json.dumps(body).encode())


def own_page(served: Served) -> dict[str, str]:
    """What a browser sends from one of the server's own pages."""
    return {
        "Cookie": f"study_token_{served.port}={TOKENS.full}",
        "Origin": f"http://127.0.0.1:{served.port}",
        "Content-Type": "application/x-www-form-urlencoded",
        **BROWSER,
    }


def word_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def send_form(served: Served, path: str, **fields: Any) -> Answer:
    return served.ask(path, own_page(served), "POST", urlencode(fields).encode())


# --- by programs ---


def test_a_point_is_added_here_where_nobody_drives_the_study(acting: Served, study: Maker) -> None:
    values = {"optimizer.name": "sgd", "optimizer.lr": 0.25, "optimizer.momentum": 0.5}
    answer = post(acting, "/api/s/lab/one/add", {"values": values})
    assert answer.status == 200, answer.text
    assert answer.data["by_driver"] is False
    assert answer.data["lies_in_space"] is True
    assert answer.data["message"].startswith("added to one: ")
    assert "it runs with: study resume one --storage" in answer.data["message"]
    added = read_history(study.paths.journal).points[-1]
    assert added.origin == "user"
    assert added.values.items() >= values.items()


def test_a_point_is_dropped_and_a_trial_stopped(acting: Served, study: Maker) -> None:
    answer = post(acting, "/api/s/lab/one/drop", {"point": 0})
    assert (answer.status, answer.data["message"]) == (200, "dropped point 0")
    answer = post(acting, "/api/s/lab/one/t/2/stop")
    assert (answer.status, answer.data["message"]) == (200, "stopped trial 2")
    history = read_history(study.paths.journal)
    assert history.points[0].is_dropped
    assert history.trials[2].state == "PRUNED"
    again = post(acting, "/api/s/lab/one/drop", {"point": 0})
    assert (again.status, again.data) == (409, {"error": "point 0 of one is dropped already"})
    again = post(acting, "/api/s/lab/one/t/2/stop")
    assert again.status == 409
    assert again.data == {"error": "trial 2 of one has ended already: PRUNED"}


def test_a_driver_is_asked_as_the_commands_ask_it(acting: Served, driven: Maker) -> None:
    asked = {
        "stop": None,
        "extend": {"points": 60, "replicates": 3},
        "add": {"values": {"optimizer.name": "adam", "optimizer.lr": 0.001}},
        "drop": {"point": 1},
        "share": {"weight": 2.5},
        "t/2/stop": None,
    }
    for what, body in asked.items():
        answer = post(acting, f"/api/s/lab/one/{what}", body)
        assert answer.status == 200, answer.text
        assert answer.data["by_driver"] is True
    found = requests.waiting(driven.paths)
    assert [request.do for request in found] == [
        "stop",
        "extend",
        "add",
        "drop",
        "share",
        "stop_trial",
    ]
    assert found[1].counts == {"points": 60, "replicates": 3}
    assert (found[3].point, found[4].weight, found[5].trial) == (1, 2.5, 2)
    assert found[2].values["optimizer.lr"] == 0.001


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("one/stop", None, 409, "study one is not running"),
        ("one/extend", {"points": 60}, 409, "one is not running: study resume one --points 60"),
        ("one/extend", {}, 409, "say how far"),
        ("one/extend", {"points": "60"}, 400, "points: must be an integer; found '60'"),
        ("one/extend", {"point": 60}, 400, "(did you mean points?)"),
        ("one/extend", {"points": 0}, 400, "points: must be at least 1; found 0"),
        ("one/extend", [60], 400, "the body must be a JSON object"),
        ("one/add", {"values": {}}, 400, "values: must name a value at least"),
        ("one/add", {"values": {"optimizer.lrr": 1}}, 400, "optimizer.lrr: must be a known key"),
        ("one/add", {}, 400, "values: must be given"),
        ("one/drop", {"point": 99}, 409, "--point must be below 2, the points of one; found 99"),
        ("one/drop", {"point": -1}, 400, "point: must be at least 0; found -1"),
        ("one/drop", {"point": True}, 400, "point: must be an integer; found true"),
        ("one/share", {"weight": -1}, 400, "weight: must be at least 0; found -1"),
        ("one/share", {"weight": "2"}, 400, "weight: must be a finite number; found '2'"),
        ("one/share", {"weight": 1}, 409, "the share of one is 1 already"),
        ("one/stop", {"now": True}, 400, "now: must be a known key"),
        ("one/t/99/stop", None, 404, "one has no trial '99'; it has 3"),
        ("one/t/0/stop", None, 409, "trial 0 of one has ended already: COMPLETE"),
        ("two/stop", None, 404, "no study two in lab"),
        ("../stop", None, 404, ""),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(
    acting: Served, study: Maker, path: str, body: Any, status: int, told: str
) -> None:
    before = study.paths.journal.read_bytes()
    answer = post(acting, f"/api/s/lab/{path}", body)
    assert answer.status == status, answer.text
    assert set(answer.data) == {"error"}
    assert told in answer.data["error"]
    assert study.paths.journal.read_bytes() == before
    assert not requests.waiting(study.paths)


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (b"{", "application/json", "the body must be JSON"),
        (b"\xff", "application/json", "the body must be JSON"),
        (b"[" * 100_000, "application/json", "the body must be JSON"),
        (b'{"point": NaN}', "application/json", "NaN is no number"),
        (b'{"point": 1, "point": 0}', "application/json", "a key stands twice"),
        (b'{"a":' * 30 + b"1" + b"}" * 30, "application/json", "nested too deep"),
        (b'{"point": 0}', "text/plain", "sent with Content-Type: application/json"),
        (b'{"point": 0}', "", "sent with Content-Type: application/json"),
    ],
)
def test_what_is_no_json_is_refused(acting: Served, content: bytes, kind: str, told: str) -> None:
    headers = FULL | ({"Content-Type": kind} if kind else {})
    answer = acting.ask("/api/s/lab/one/drop", headers, "POST", content)
    assert answer.status == 400
    assert told in answer.data["error"]


# --- by forms ---


def test_a_form_of_the_page_acts_and_leads_back(acting: Served, study: Maker) -> None:
    page = acting.page("/s/lab/one/do/drop?point=1")
    assert "Point 1 (RUNNING) leaves the tables" in page
    answer = send_form(acting, "/api/s/lab/one/drop", csrf=word_in(page), point="1")
    assert answer.status == 303, answer.text
    assert answer.headers["Location"].startswith("/s/lab/one?told=")
    assert read_history(study.paths.journal).points[1].is_dropped
    shown = acting.page(answer.headers["Location"])
    assert '<p class="told" role="status">dropped point 1</p>' in shown


def test_a_form_adds_a_point_by_lines(acting: Served, study: Maker) -> None:
    lines = "optimizer.name=adam\r\n\r\noptimizer.lr = 1e-3\r\n"
    query = urlencode({"values": lines})
    page = acting.page(f"/s/lab/one/do/add?{query}")
    assert "optimizer.lr = 0.001" in page
    answer = send_form(acting, "/api/s/lab/one/add", csrf=word_in(page), values=lines)
    assert answer.status == 303, answer.text
    assert read_history(study.paths.journal).points[-1].values["optimizer.lr"] == 0.001
    wrong = send_form(acting, "/api/s/lab/one/add", csrf=word_in(page), values="lr 1")
    assert wrong.status == 400
    assert "a line must be path=value" in wrong.text


def test_a_form_stops_a_trial_and_leads_to_its_page(acting: Served) -> None:
    page = acting.page("/s/lab/one/do/stop-trial?trial=2")
    assert "Trial 2 ends after 1 epoch, for good" in page
    answer = send_form(acting, "/api/s/lab/one/t/2/stop", csrf=word_in(page))
    assert answer.status == 303
    assert answer.headers["Location"].startswith("/s/lab/one/t/2?told=")
    assert "stopped trial 2" in acting.page(answer.headers["Location"])


@pytest.mark.parametrize("word", [None, "", "wrong", "0" * 64, "\udcff"])
def test_a_form_that_is_not_the_pages_own_does_nothing(
    acting: Served, study: Maker, word: str | None
) -> None:
    before = study.paths.journal.read_bytes()
    fields = {"point": "0"} | ({} if word is None else {"csrf": word})
    body = urlencode(fields, errors="surrogateescape").encode()
    answer = acting.ask("/api/s/lab/one/drop", own_page(acting), "POST", body)
    assert answer.status == 403
    assert "load its page again" in answer.text
    multipart = own_page(acting) | {"Content-Type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="point"\r\n\r\n0\r\n--x--\r\n'
    assert acting.ask("/api/s/lab/one/drop", multipart, "POST", part).status == 403
    assert study.paths.journal.read_bytes() == before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"{}"),
        ("multipart/form-data; boundary=x", b"point=0"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Length: x\r\n\r\n0\r\n--x--\r\n"),
        ("application/x-www-form-urlencoded; charset=nix", b"point=0"),
    ],
)
def test_a_form_that_is_not_written_as_it_says_is_refused(
    acting: Served, study: Maker, kind: str, body: bytes
) -> None:
    before = study.paths.journal.read_bytes()
    answer = acting.ask("/api/s/lab/one/drop", FULL | {"Content-Type": kind}, "POST", body)
    assert answer.status in (400, 403), answer.text
    assert study.paths.journal.read_bytes() == before


def test_a_fault_of_a_form_is_a_page(acting: Served) -> None:
    page = acting.page("/s/lab/one/do/drop?point=1")
    answer = send_form(acting, "/api/s/lab/one/drop", csrf=word_in(page), point="9")
    assert answer.status == 409
    assert "<h1>--point must be below 2" in answer.text


# --- what is offered ---


def offers(page: str) -> list[str]:
    return re.findall(r'<a class="button" href="[^"]*/do/([a-z-]+)', page)


def test_only_what_applies_is_offered(acting: Served, study: Maker) -> None:
    assert offers(acting.page("/s/lab/one")) == ["add", "drop"]
    assert offers(acting.page("/s/lab/one/t/2")) == ["stop-trial"]
    assert offers(acting.page("/s/lab/one/t/0")) == []
    lock = acquire_lock(study.paths.lock)
    try:
        assert offers(acting.page("/s/lab/one")) == ["stop", "extend", "add", "drop"]
        page = acting.page("/s/lab/one/do/extend?points=60")
        assert "points: 40 -&gt; 60" in page
        assert "it has" not in acting.page("/s/lab/one/do/stop")
    finally:
        lock.release()
    assert "study one is not running" in acting.page("/s/lab/one/do/stop")


def test_who_may_only_look_is_offered_nothing(acting: Served) -> None:
    for path in ("/s/lab/one", "/s/lab/one/t/2"):
        page = acting.ask(path, LOOKING | BROWSER)
        assert page.status == 200
        assert offers(page.text) == []
        assert "csrf" not in page.text
    for path in ("/s/lab/one/do/drop", "/s/lab/one/do/drop.json"):
        assert acting.ask(path, LOOKING).status == 403


def test_what_would_happen_is_there_as_data(acting: Served) -> None:
    seen = acting.data("/s/lab/one/do/drop.json?point=1")
    assert seen["error"] == ""
    assert seen["will"][0].startswith("Point 1 (RUNNING) leaves the tables")
    assert "must be below 2" in acting.data("/s/lab/one/do/drop.json?point=7")["error"]
    assert acting.ask("/s/lab/one/do/nix").status == 404
    assert acting.ask("/s/lab/one/do/stop-trial?trial=9").status == 404


def test_a_study_on_a_cluster_shows_its_share_and_takes_another(
    acting: Served, driven: Maker
) -> None:
    live = LiveProgress()
    live.share = ShareSeen(share=1.0, holds=2, wants=5, part=2, waits_since=1_700_000_000.0)
    LiveFile(driven.paths, live).refresh()
    (row,) = acting.data("/index.json")["studies"]
    assert (row["share"]["holds"], row["share"]["wants"], row["share"]["part"]) == (2, 5, 2)
    assert "share 1: holds 2 trials of the 2 that it may; 3 wait since" in acting.page("/")
    assert "share" in offers(acting.page("/s/lab/one"))
    page = acting.page("/s/lab/one/do/share?weight=0.5")
    assert "The share of one is 0.5, and no more 1." in page
    word = word_in(page)
    sent = send_form(acting, "/api/s/lab/one/share", weight="0.5", csrf=word)
    assert sent.status == 303
    (request,) = requests.waiting(driven.paths)
    assert (request.do, request.weight) == ("share", 0.5)
