from __future__ import annotations

from typing import Any

from analysis.plots.timeline import timeline_plot, worker_spans
from analysis.results import load


def test_an_attempt_takes_the_first_lane_that_is_free(make: Any) -> None:
    study = make()
    first, second = study.point({"optimizer.name": "adam"}), study.point({"optimizer.name": "adam"})
    study.start(first, 0)  # on cuda:0, to the end
    study.start(second, 0)  # on cuda:1
    study.report(1, 3, 0.5)
    study.finish(1)
    study.start(second, 1)  # trial 2 on cuda:0, which is busy
    study.start(first, 1)  # trial 3 on cuda:1, which is free again
    spans = worker_spans(load(study.paths))
    assert [(span.lane, span.trial, span.state) for span in spans] == [
        ("here cuda:0 0", 0, "RUNNING"),
        ("here cuda:0 1", 2, "RUNNING"),
        ("here cuda:1 0", 1, "COMPLETE"),
        ("here cuda:1 0", 3, "RUNNING"),
    ]
    assert all(span.start <= span.end for span in spans)


def test_the_timeline_says_how_many_attempts_there_were(mixed: Any, make: Any) -> None:
    found = timeline_plot(load(mixed.paths))
    assert found is not None
    assert found.description.startswith("13 attempts at trials on ")
    assert timeline_plot(load(make(name="begun").paths)) is None
