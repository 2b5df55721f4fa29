"""The list of all studies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ....analysis.conftest import Maker
from ..served import Served, serving, settings_of


def names(page: str) -> list[str]:
    return re.findall(r'<td>(?:<span[^>]*>[^<]*</span>)?<a href="/s/[^"]*">([^<]*)</a>', page)


def test_each_study_is_there_with_its_state_and_best(served: Served) -> None:
    served.data("/index.json")  # which waits until all are read
    page = served.page("/")
    assert sorted(names(page)) == ["begun", "mixed", "thirty"]
    assert "0.96 [" in page
    rows = {row["study"]: row for row in served.data("/index.json")["studies"]}
    assert rows["mixed"]["state"] == "complete"
    assert rows["mixed"]["best"] == pytest.approx(0.96)
    assert rows["mixed"]["failures"] == 1
    assert rows["begun"]["best"] is None


def test_it_is_filtered_and_sorted_by_its_address(served: Served) -> None:
    served.data("/index.json")
    assert names(served.page("/?q=MIX")) == ["mixed"]
    assert names(served.page("/?state=interrupted")) == ["begun"]
    assert names(served.page("/?sort=study")) == ["begun", "mixed", "thirty"]
    assert names(served.page("/?sort=study&order=reverse")) == ["thirty", "mixed", "begun"]
    assert names(served.page("/?sort=best"))[-1] == "begun", "what has no figure stands last"
    assert names(served.page("/?sort=best&order=reverse"))[-1] == "begun"
    assert names(served.page("/?sort=nix&q=%00")) == []
    assert [row["study"] for row in served.data("/index.json?q=thi")["studies"]] == ["thirty"]


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[Served]:
    """A study whose every text is HTML."""
    script = "<script>alert(1)</script>"
    spec = (
        "study: bad\n"
        f'question: "{script}"\n'
        "objective: {metric: val_accuracy, direction: maximize}\n"
        "points: 2\nrecipe: {model: small_cnn, data: {name: digits}, epochs: 3}\n"
        "space: {optimizer: {lr: {log: [1e-4, 1]}}}\n"
    )
    study = Maker(tmp_path / "<i>lab", name="bad", spec=spec, replicates=1)
    point = study.point({"optimizer.lr": script})
    trial = study.start(point, 0)
    failure = {"class": script, "message": script + "\x1b[31m", "details": {"traceback": script}}
    study.add(event="failed", trial=trial, attempt=1, failure=failure, retry=False)
    study.end(trial, "FAIL", 0)
    study.tell(point, "FAIL", None)
    study.close(0, script)
    with serving(settings_of(tmp_path / "<i>lab")) as server:
        yield server


def test_texts_from_studies_are_shown_and_do_nothing(hostile: Served) -> None:
    (row,) = hostile.data("/index.json")["studies"]
    study = f"/s/{row['label']}/bad"
    for path in ("/", "/?q=<script>", study, f"{study}/t/0", f"{study}/t/0/log"):
        page = hostile.ask(
            path.replace("<", "%3C").replace(">", "%3E"),
            {"Authorization": "Bearer full-token-of-the-tests", "Accept": "text/html"},
        )
        assert page.status == 200
        if "text/html" in page.headers["Content-Type"]:
            assert "<script>alert" not in page.text
        assert "\x1b" not in page.text
