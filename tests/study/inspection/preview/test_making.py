"""Before a study runs: its space, points from it, and totals."""

from __future__ import annotations

import json

import pytest

from study.inspection.preview import Preview, preview_of
from study.spec.load import load_spec, spec_from_tree
from study.spec.spec import StudySpec


@pytest.fixture(scope="module")
def quickstart() -> StudySpec:
    return load_spec("quickstart")


@pytest.fixture(scope="module")
def preview(quickstart: StudySpec) -> Preview:
    return preview_of(quickstart, 5)


def test_a_preview_shows_the_space_and_points_from_it(
    quickstart: StudySpec, preview: Preview
) -> None:
    assert preview.rows == quickstart.space.rows()
    assert len(preview.samples) == 5
    assert preview.samples[0] == quickstart.first_values(0)
    assert all(quickstart.params_of(point) is not None for point in preview.samples)


def test_a_single_point_of_nothing_but_the_recipe_leaves_no_empty_parts() -> None:
    spec = spec_from_tree({"study": "s", "sampler": "first-only", "first": [{"set": {}}]})
    text = "\n".join(preview_of(spec, 5).lines())
    assert "\n1 point\n" in text
    assert "\n1 trial, " in text
    assert "\n\n\n" not in text


def test_the_shares_of_the_branches_of_a_section_add_up(preview: Preview) -> None:
    shares: dict[str, float] = {}
    for row in preview.branches:
        shares[row["path"]] = shares.get(row["path"], 0) + row["share"]
    assert shares == pytest.approx({"optimizer.name": 1})


def test_totals_are_bounds_without_pruning(quickstart: StudySpec, preview: Preview) -> None:
    assert (preview.points, preview.trials, preview.confirmations) == (32, 32 * 3, 3 * 8)
    assert preview.epochs == (32 * 3 + 3 * 8) * 5
    assert preview.disk_bytes > 0
    twice = preview_of(
        spec_from_tree(
            quickstart.tree() | {"replicates": 2, "confirm": {"top": 3, "replicates": 5}}
        )
    )
    assert (twice.trials, twice.confirmations, twice.epochs) == (64, 2 * 3 * 5, (64 + 30) * 5)


def test_money_is_told_by_the_hour_and_for_each_budget() -> None:
    tree = {
        "study": "s",
        "points": 4,
        "concurrency": 2,
        "resources": {"cpus": 1, "gpus": 0.5},
        "stop": {"wall_hours": 10, "gpu_hours": 4, "spend": 50},
        "prices": {"gpu_hour": 2.5, "cpu_hour": 0.05, "currency": "EUR"},
        "space": {"optimizer": {"lr": {"log": [0.1, 1]}}},
    }
    seen = preview_of(spec_from_tree(tree), 1)
    assert (seen.money_hour, seen.money, seen.currency) == (pytest.approx(2.6), None, "EUR")
    text = str(seen)
    assert "money: at most 2.60 EUR an hour" in text
    assert "note: stop.wall_hours: 10 hours cost at most 26.00 EUR" in text
    assert "note: stop.gpu_hours: 4 GPU hours cost at most 10.40 EUR" in text
    assert "note: stop.spend: 50.00 EUR last for at least 19.2 h with 2 trials at once" in text
    without = preview_of(spec_from_tree({**tree, "prices": None, "stop": {}}), 1)
    assert without.money_hour is None
    assert "money" not in str(without)


def test_a_preview_is_plain_data_and_text(preview: Preview) -> None:
    assert json.loads(json.dumps(preview.tree()))["points"] == 32
    text = "\n".join(preview.lines())
    assert "optimizer.lr        [0.01, 1], log     optimizer = sgd" in text
    assert "96 trials and 24 to confirm" in text


def test_where_the_pruner_promotes_it_is_said_how_many_epochs_are_expected() -> None:
    tree = {
        "study": "s",
        "points": 27,
        "replicates": 2,
        "recipe": {"epochs": 9},
        "space": {"optimizer": {"lr": {"log": [1e-3, 1]}}},
    }
    expected = []
    for pruner in ("none", {"name": "asha", "promote": True}, "first-epochs"):
        shown = preview_of(spec_from_tree(tree | {"pruner": pruner}))
        assert shown.epochs == 27 * 2 * 9
        expected.append(shown.expected_epochs)
        lines = "\n".join(shown.lines())
    asha = 27 * 1 + 9 * 2 + 3 * 6 + 3 * 9
    assert expected == [None, asha, 27 + 3 * 8 + 3 * 9]
    assert "3 at once" in lines or "at once" in lines
    assert f"about {27 + 3 * 8 + 3 * 9} of at most 486 epochs" in lines
