from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from analysis.rendering import FORMS, Header, Table, make_table
from analysis.results import Results, load
from analysis.selection.figures import metric_mean
from analysis.statistics import Difference, Estimate
from analysis.tables.effort.failures import details_text, failures_table
from analysis.tables.kinds import KINDS, make_kind
from analysis.tables.points.best_of_n import best_of_n_table
from analysis.tables.points.confirmation import confirmation_table
from analysis.tables.points.leaderboard import leaderboard_table
from analysis.tables.settings.effects import effects_table
from analysis.tables.settings.interactions import interactions_table
from analysis.tables.warnings import warning_texts
from study.errors import UserError

ADAM = {"optimizer.name": "adam", "optimizer.lr": 1e-3}


def column(shown: Table, name: str) -> list[Any]:
    """The cells of the column with that full name."""
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def value(cell: Estimate | Difference) -> float:
    return cell.estimate.value if isinstance(cell, Difference) else cell.value


@pytest.fixture
def results(mixed: Any) -> Results:
    return load(mixed.paths)


# -- forms -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_has_every_form(results: Results, kind: str) -> None:
    shown = make_kind(kind, results)
    for form in FORMS:
        text = shown.render(form)
        assert text.strip()
        assert "nan" not in text.lower()


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_of_a_study_without_results_says_so_without_failing(
    make: Any, kind: str
) -> None:
    study = make()
    from analysis.tables.kinds import make_kind as table_of

    assert table_of(kind, load(study.paths)).text()


def test_an_unknown_kind_is_met_with_the_kinds(results: Results) -> None:
    with pytest.raises(UserError, match=r"leaderboard \| .*did you mean cost"):
        make_kind("costs", results)


def test_csv_and_json_carry_the_interval_in_columns_of_its_own() -> None:
    shown = make_table(
        "t", [Header("a"), Header("b", "s")], [["x", Estimate(1.0, 0.5, 1.5, 3)], ["y", None]]
    )
    rows = list(csv.DictReader(io.StringIO(shown.csv())))
    assert rows[0] == {"a": "x", "b": "1.0", "b_low": "0.5", "b_high": "1.5", "b_n": "3"}
    assert rows[1]["b"] == ""
    assert json.loads(shown.json())["rows"][0]["b_high"] == 1.5


def test_marks_of_each_form_are_escaped() -> None:
    shown = make_table("50 % & more", [Header("a_b")], [["x|y<z>_{}\\ [red]r[/red]"]])
    assert r"50 \% \& more" in shown.latex()
    assert r"x|y<z>\_\{\}\textbackslash{}" in shown.latex()
    assert r"x\|y" in shown.markdown()
    assert "x|y&lt;z&gt;" in shown.html()
    assert "[red]r[/red]" in shown.text()


def test_numbers_beyond_all_bounds_are_valid_json() -> None:
    shown = make_table("t", [Header("a")], [[float("inf")], [Estimate(float("nan"))]])
    assert json.loads(shown.json())["rows"][0]["a"] == "inf"


# -- kinds -----------------------------------------------------------------------------


def test_leaderboard_ranks_points_by_the_mean_over_seeds(results: Results) -> None:
    shown = leaderboard_table(results)
    assert column(shown, "point") == [1, 0, 5, 2]
    assert [value(cell) for cell in column(shown, "val_accuracy")] == pytest.approx(
        [0.96, 0.91, 0.85, 0.845]
    )
    assert column(shown, "seeds") == [2, 2, 2, 2]
    assert "1 PRUNED, 1 FAIL" in shown.notes[0]


def test_effects_pair_points_that_agree_in_all_else(make: Any) -> None:
    study, draw = make(), random.Random(1)
    for lr, more in ((1e-4, 0.001), (1e-3, -0.001), (3e-3, 0.002), (1e-2, -0.002)):
        base = 0.8 + draw.gauss(0, 0.05)
        for accumulation, gain in ((1, 0.0), (2, 0.02 + more)):
            values = {"optimizer.name": "adam", "optimizer.lr": lr, "accumulation": accumulation}
            study.complete_point(values, [base + gain, base + gain + 0.01])
    shown = effects_table(load(study.paths), ["accumulation"])
    assert column(shown, "pairs") == [None, 4]
    found = column(shown, "difference")[1]
    assert found.value == pytest.approx(0.02)
    assert 0.016 < found.low < 0.018, "pairing removes what lr does: Student over four differences"
    assert column(shown, "compared over")[1] == "4 pairs"
    assert value(column(shown, "ratio of epoch seconds")[1]) == pytest.approx(1)


def test_effects_without_pairs_say_so(large: Callable[[int], Any]) -> None:
    shown = effects_table(load(large(12).paths), ["accumulation"])
    assert column(shown, "pairs") == [None, 0]
    assert column(shown, "compared over") == [None, "12 points"]
    assert any(note.startswith("points: ") for note in shown.notes)


def test_an_interaction_is_a_difference_of_differences(make: Any) -> None:
    study = make(spec=FACTORIAL)
    for norm, accumulation, accuracy in (
        ("none", 1, 0.5),
        ("none", 2, 0.6),
        ("every_conv", 1, 0.7),
    ):
        study.complete_point(
            {"model.norm": norm, "accumulation": accumulation}, [accuracy, accuracy + 0.01]
        )
    study.complete_point({"model.norm": "every_conv", "accumulation": 2}, [0.95, 0.96])
    shown = interactions_table(load(study.paths), "model.norm", "accumulation")
    assert value(column(shown, "interaction")[-1]) == pytest.approx(0.95 - 0.7 - 0.6 + 0.5)


FACTORIAL = """\
study: digits-momentum
points: 4
recipe: {epochs: 3}
space:
  model: {norm: {choice: [none, every_conv]}}
  accumulation: {choice: [1, 2]}
sampler: grid
"""


def test_two_objectives_are_ranked_by_the_first_and_shown_with_both(make: Any) -> None:
    study = make(spec=TWO)
    for point, (accumulation, accuracy) in enumerate(((1, 0.9), (2, 0.8))):
        study.complete_point({"accumulation": accumulation}, [accuracy])
        study.tell(point, "COMPLETE", [accuracy, 7.5])
    results = load(study.paths)
    shown = leaderboard_table(results)
    assert [value(cell) for cell in column(shown, "val_accuracy")] == [0.9, 0.8]
    assert [value(cell) for cell in column(shown, "total_seconds")] == [7.5, 7.5]
    assert list(results.trials["value_2"]) == [7.5, 7.5]
    assert list(results.points["value_2"]) == [7.5, 7.5]


TWO = """\
study: digits-momentum
objective: [{metric: val_accuracy, direction: maximize}, {metric: total_seconds, direction: minimize}]
points: 2
reproducible: false
recipe: {epochs: 3}
space: {accumulation: {choice: [1, 2]}}
sampler: nsga2
"""


def test_best_of_n_counts_pruned_points(results: Results) -> None:
    shown = best_of_n_table(results)
    sgd = [
        value(cell)
        for level, cell in zip(*(column(shown, name) for name in BEST), strict=True)
        if level == "sgd"
    ]
    assert sgd == pytest.approx([(0.96 + 0.845 + 0.1) / 3, (0.96 * 2 + 0.845) / 3, 0.96])


BEST = ("optimizer.name", "expected best val_accuracy")


def test_failures_name_class_and_outcome(results: Results) -> None:
    shown = failures_table(results)
    assert column(shown, "class") == ["diverged", "out_of_memory"]
    assert column(shown, "details") == ["step 3", "step 3"]


def test_a_failures_traceback_is_left_to_the_logs() -> None:
    assert (
        details_text({"step": 3, "traceback": "Traceback (most recent call last): ..."}) == "step 3"
    )
    assert details_text(None) is None


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


def confirmed(make: Any, gain: float, noise: float) -> Any:
    study = make(spec=CONFIRM)
    study.complete_point({**ADAM, "accumulation": 1}, [0.80, 0.81], origin="first", entry=0)
    study.complete_point({**ADAM, "accumulation": 2}, [0.90, 0.91])
    draw = random.Random(5)
    for replicate in range(2, 7):
        shift = noise * (-1) ** replicate + draw.gauss(0, noise / 100)
        for point, accuracy in ((0, 0.80 + shift), (1, 0.80 + gain)):
            trial = study.start(point, replicate, kind="confirm")
            study.report(trial, 3, accuracy)
            study.finish(trial)
    return load(study.paths)


CONFIRM = """\
study: digits-momentum
points: 2
replicates: 2
recipe: {epochs: 3}
space: {optimizer: {one_of: {adam: {lr: {log: [1e-5, 1e-2]}}}}, accumulation: {choice: [1, 2]}}
confirm: {top: 1, replicates: 5, against: "first[0]"}
first: [{set: {optimizer: {name: adam, lr: 1e-3}, accumulation: 1}}]
"""


@pytest.mark.parametrize(
    ("gain", "noise", "said"), [(0.05, 0.001, "better"), (-0.05, 0.001, "worse")]
)
def test_confirmation_gives_its_verdict_on_fresh_seeds(
    make: Any, gain: float, noise: float, said: str
) -> None:
    shown = confirmation_table(confirmed(make, gain, noise))
    assert [cell for cell in column(shown, "verdict") if cell] == [said]
    assert column(shown, "fresh seeds") == [5, 5]


def test_confirmation_that_cannot_tell_says_how_many_seeds_it_would_take(make: Any) -> None:
    shown = confirmation_table(confirmed(make, 0.009, 0.02))
    row = column(shown, "role").index("chosen")
    assert column(shown, "verdict")[row] == "cannot tell"
    needed = column(shown, "further seeds")[row]
    assert 130 < needed.value < 160
    assert needed.low < needed.value < needed.high
    assert value(column(shown, "fresh less search")[row]) == pytest.approx(0.809 - 0.905)


# -- warnings and helpers --------------------------------------------------------------


def test_a_best_value_at_the_edge_is_warned_of(make: Any) -> None:
    study = make()
    for lr in (0.99, 0.5, 0.1):
        values = {
            "optimizer.name": "sgd",
            "optimizer.lr": lr,
            "optimizer.momentum": 0.5,
            "accumulation": 1,
        }
        study.complete_point(values, [lr * 0.9, lr * 0.9])
    found = warning_texts(load(study.paths))
    assert any("optimizer.lr = 0.99 lies at the high end" in text for text in found)
    assert not any("momentum = 0.5" in text for text in found)


def test_the_careful_statisticians_warnings(mixed: Any, make: Any) -> None:
    found = " ".join(warning_texts(load(mixed.paths)))
    assert "not finished: 6 of 40" in found
    assert "Only 2 complete points have optimizer.name = sgd" in found
    single = make(name="single", replicates=1)
    trials = [single.start(single.point({**ADAM, "accumulation": 1}), 0) for _ in range(4)]
    for trial in trials:
        single.report(trial, 3, 0.5)
        single.finish(trial)
    found = " ".join(warning_texts(load(single.paths)))
    assert "One seed a point" in found
    assert "shared their device" in found


def test_helpers_on_results(results: Results) -> None:
    assert results.best()["point"] == 1
    assert set(results.at_epoch(3)["epoch"]) == {3}
    assert results.at_epoch(3)["optimizer.lr"].notna().all()
    assert results.time_to("val_accuracy", 0.9)["reached"].sum() == 5
    front = results.pareto("val_accuracy_last", "total_seconds")
    assert list(front["val_accuracy_last"]) == [0.96]
    assert "<table" in results._repr_html_()


def test_two_studies_are_compared_at_equal_budget(mixed: Any, large: Callable[..., Any]) -> None:
    shown = load(mixed.paths).compare(load(large(20, name="other").paths))
    assert "expected best val_accuracy of 1 point" in column(shown, "quantity")
    assert any("study:" in note for note in shown.notes)


def test_studies_with_other_objectives_are_not_ranked_together(mixed: Any, make: Any) -> None:
    other = make(name="other", spec=MINIMIZED)
    with pytest.raises(UserError, match="different objectives"):
        leaderboard_table(load([mixed.paths, other.paths]))


MINIMIZED = """\
study: other
objective: {metric: val_loss, direction: minimize}
points: 4
space: {accumulation: {choice: [1, 2]}}
"""
