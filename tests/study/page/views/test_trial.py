"""One trial's page."""

from __future__ import annotations

from ..served import FULL, Served


def test_it_says_what_it_is_how_it_went_and_why(served: Served) -> None:
    page = served.page("/s/lab/mixed/t/3")
    assert "Trial 3 is COMPLETE after 3 epochs" in page
    assert "Point 1 was" in page
    assert '<polyline class="s0"' in page
    assert "optimizer.momentum" in page
    data = served.data("/s/lab/mixed/t/3.json")
    assert (data["trial"], data["point"], data["state"]) == (3, 1, "COMPLETE")
    assert data["values"]["optimizer.lr"] == 0.1
    assert [row["epoch"] for row in data["rows"]] == [1, 2, 3]
    assert data["end"]["kind"] == "end"
    assert data["proposal"]["kind"] == "proposal"


def test_each_attempt_is_there(served: Served) -> None:
    data = served.data("/s/lab/mixed/t/6.json")
    assert [attempt["number"] for attempt in data["attempts"]] == [1, 2]
    page = served.page("/s/lab/mixed/t/6")
    assert '<h2 id="attempts">' in page


def test_a_failure_has_its_class_and_message(served: Served) -> None:
    page = served.page("/s/lab/mixed/t/5")
    assert "<h2>diverged</h2>" in page
    assert "diverged in step 3" in page


def test_its_log_is_what_the_command_prints(served: Served) -> None:
    answer = served.ask("/s/lab/mixed/t/3/log", FULL)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    lines = answer.text.splitlines()
    assert len(lines) == 7
    assert all("trial 3" in line for line in lines)
