"""The best point as a person wants it: its settings, its value with its interval, its weights."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.report.summary import answer_sentences
from analysis.results import load
from analysis.statistics import level_for, mean

from .coverage.worlds import World, lr, spec_of
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


def test_the_best_of_several_confirmed_has_an_interval_that_holds_for_whichever_it_is() -> None:
    world = World(spec_of(confirm={"top": 3, "replicates": 4}, points=3))
    for point in range(3):
        world.whole(lr(0.1 + 0.1 * point), [0.8])
        world.confirm(point, [0.7 + 0.01 * point + 0.001 * seed for seed in range(4)])
    best = world.results.best()
    assert best.point == 2
    assert best.value == mean([0.72, 0.721, 0.722, 0.723], level_for(3))
    assert "(4 fresh seeds, interval of 98.3%)" in repr(best)
    assert (
        "at 98.3%: they hold for whichever of the 3 is the best."
        in (answer_sentences(world.results)[0])
    )
