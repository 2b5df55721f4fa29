"""One study's page, which is its report while it is written."""

from __future__ import annotations

import re
from pathlib import Path

from study.files.lock import acquire_lock

from ....analysis.conftest import Maker, sgd
from ..served import BROWSER, FULL, LOOKING, Served, serving, settings_of


def test_it_says_what_the_report_says(served: Served) -> None:
    page = served.page("/s/lab/mixed?wait=1")
    assert "Does momentum help a small network on digits?" in page
    assert "The highest val_accuracy of 3 complete points is 0.9600" in page
    assert "Before you believe it" in page
    for table in ("leaderboard", "failures", "cost", "sessions"):
        assert f'id="table-{table}-0"' in page, table
    assert "<style" not in page
    assert not re.search(r"<script(?! src)", page)
    assert 'class="dots"' in page, "a small plot for each setting"
    assert '<polyline class="s0"' in page, "curves without any script"
    assert "ended  trial" in page, "the latest events"
    plots = served.page("/s/lab/mixed?part=plots")
    assert 'data-plot="learning-curves"' in plots
    assert "<style" not in plots


def test_its_data_are_the_same(served: Served) -> None:
    data = served.data("/s/lab/mixed.json")
    assert data["state"] == "complete"
    assert data["answer"][0].startswith("The highest val_accuracy of 3 complete points is 0.9600")
    rows = data["tables"]["leaderboard"]["rows"]
    assert [row["point"] for row in rows] == [1, 0, 4]


def test_a_study_that_has_only_begun_is_shown(served: Served) -> None:
    assert "No point is complete yet" in served.page("/s/lab/begun?wait=1")
    assert served.data("/s/lab/begun.json")["trials"] == 0


def test_it_says_how_points_were_proposed_the_latest_first(served: Served) -> None:
    page = served.page("/s/lab/thirty?wait=1")
    assert '<h2 id="decisions-0">' in page
    assert 'href="#decisions-0"' in page
    assert 'id="table-proposals-0"' in page
    points = [
        row["point"] for row in served.data("/s/lab/mixed.json")["tables"]["proposals"]["rows"]
    ]
    assert points == sorted(points, reverse=True)
    assert len(points) == 5


def test_its_buttons_are_those_of_its_state_and_of_who_looks(tmp_path: Path) -> None:
    study = Maker(tmp_path / "lab", name="one")
    part = {"HX-Request": "true"} | BROWSER

    def buttons() -> list[str]:
        found = served.ask("/s/lab/one?part=offers", FULL | part)
        assert found.text.startswith('<div id="offers"')
        return re.findall(r"/do/([a-z-]+)", found.text)

    with serving(settings_of(tmp_path / "lab")) as served:
        assert buttons() == ["add"]
        lock = acquire_lock(study.paths.lock)
        try:
            assert buttons() == ["stop", "extend", "add"]
        finally:
            lock.release()
        study.complete_point(sgd(0.1, 0.9), [0.9])
        assert buttons() == ["add", "drop"]
        assert "/do/" not in served.ask("/s/lab/one?part=offers", LOOKING | part).text
        assert "<h1" in served.page("/s/lab/one?part=offers"), "an address is a page"


def test_money_is_shown_where_there_are_prices(tmp_path: Path) -> None:
    study = Maker(tmp_path / "lab", name="one")
    with serving(settings_of(tmp_path / "lab")) as served:
        assert "EUR" not in served.page("/s/lab/one")
        prices = {"gpu_hour": 3600.0, "cpu_hour": 0.0, "currency": "EUR", "by_label": {}}
        study.add(event="priced", prices=prices, cpus=1, gpus=1)
        study.complete_point(sgd(0.1, 0.9), [0.9])
        spent = served.data("/s/lab/one.json")["money"]
        assert spent > 0
        assert f"<dt>spent</dt><dd>{spent:,.2f} EUR</dd>" in served.page("/s/lab/one")
        assert served.data("/s/lab/one/t/0.json")["money"] == spent
        assert f"· {spent:,.2f} EUR</dd>" in served.page("/s/lab/one/t/0")
        (row,) = served.data("/index.json")["studies"]
        assert (row["money"], row["currency"]) == (spent, "EUR")
        assert f"· {spent:,.2f} EUR</td>" in served.page("/")
