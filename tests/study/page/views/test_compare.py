"""Two studies side by side."""

from __future__ import annotations

from ..served import BROWSER, FULL, Served


def test_without_two_studies_there_is_a_choice(served: Served) -> None:
    served.data("/index.json")
    page = served.page("/compare")
    assert "<option>lab/mixed</option>" in page
    assert "<table" not in page


def test_two_studies_stand_side_by_side(served: Served) -> None:
    page = served.page("/compare?a=lab/mixed&b=lab/thirty")
    assert 'id="table-comparison"' in page
    assert page.count('<svg class="chart"') == 2
    assert "<option selected>lab/thirty</option>" in page
    data = served.data("/compare.json?a=lab/mixed&b=lab/thirty")
    assert [row["study"] for row in data["studies"]] == ["mixed", "thirty"]
    assert data["comparison"]["rows"]


def test_what_is_not_there_is_not_compared(served: Served) -> None:
    assert served.ask("/compare.json?a=lab/mixed&b=lab/nix").status == 404
    assert served.ask("/compare.json?a=mixed&b=thirty").status == 400
    assert served.ask("/compare.json").status == 400
    assert served.ask("/compare?a=lab/mixed&b=../../etc", FULL | BROWSER).status == 404
