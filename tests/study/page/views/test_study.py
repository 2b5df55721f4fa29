"""One study's page, which is its report while it is written."""

from __future__ import annotations

import re

from ..served import Served


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
