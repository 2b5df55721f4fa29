"""The best point as a person wants it: its settings, its value with its interval, its weights."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.results import load

from .trained_points import ADAM, trained

SGD = {"optimizer.name": "sgd", "optimizer.lr": 0.1, "optimizer.momentum": 0.9, "accumulation": 1}


def test_the_best_point_is_its_varied_settings_and_its_value(mixed: Any) -> None:
    results = load(mixed.paths)
    best = results.best()
    assert best.point == best["point"] == 1
    assert best["optimizer.name"] == best.settings["optimizer.name"]
    assert len(best.settings) < 8
    row = results.points.set_index("point").loc[1]
    assert best.value.value == pytest.approx(row["value"])
    assert best.value.n == row["seeds"]
    with pytest.raises(KeyError):
        best["optimizer.lrr"]


def test_it_reads_as_a_few_lines_and_says_how_to_get_the_weights(make: Any) -> None:
    study = make()
    trained(study, [[0.5, 0.7], [0.5, 0.72]], ["COMPLETE", "COMPLETE"])
    trained(study, [[0.5, 0.6], [0.5, 0.6]], ["COMPLETE", "COMPLETE"], values=SGD)
    study.close()
    best = load(study.paths).best()
    storage = str(study.paths.storage)
    assert repr(best) == (
        "best of digits-momentum: point 0, val_accuracy 0.7100 [0.5829, 0.8371] (2 seeds)\n"
        "  optimizer.lr    0.001\n"
        "  optimizer.name  adam\n"
        f"weights: study.export('digits-momentum', to='winner', storage='{storage}')"
    )
    page = best._repr_html_()
    assert "<td>optimizer.lr</td><td>0.001</td>" in page
    assert "optimizer.momentum" not in page, "adam has none"


def test_points_that_tie_are_named(make: Any) -> None:
    study = make()
    trained(study, [[0.7]], ["COMPLETE"])
    trained(study, [[0.7]], ["COMPLETE"], values=ADAM | {"optimizer.lr": 0.01})
    study.close()
    assert "(1 seed), tied with 1\n" in repr(load(study.paths).best())


def test_text_from_outside_is_shown_and_does_not_act(make: Any) -> None:
    study = make()
    for name in ("\x1b[2J<b>", "adam"):
        trained(study, [[0.7]], ["COMPLETE"], values=ADAM | {"optimizer.name": name})
    study.close()
    best = load(study.paths).best()
    assert "\x1b" not in repr(best)
    assert "<b>best" in best._repr_html_()
    assert "J<b>" not in best._repr_html_()
