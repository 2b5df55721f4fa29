from __future__ import annotations

from analysis.selection.figures import metric_mean


def test_an_interval_ends_where_its_metric_does() -> None:
    share, seconds = (
        metric_mean([0.96, 0.98], "val_accuracy"),
        metric_mean([0.1, 0.3], "total_seconds"),
    )
    assert share.low < 0.9
    assert share.high == 1.0
    assert seconds.low == 0.0
    assert seconds.high > 1.0
    assert not metric_mean([0.5], "val_accuracy").known
