"""Points as the study could propose them, and how they are spread over the space."""

from __future__ import annotations

import pytest

from study.inspection.preview import preview_of
from study.inspection.preview.points import known_points, points_of
from study.spec.load import spec_from_tree

from ...fake_cluster import Storage, controller_on, drive, small_spec
from ..small_spec import small


@pytest.mark.parametrize("mode", ["search", "method-study"])
@pytest.mark.parametrize(
    ("sampler", "known"), [("tpe", 10), ("gp", 10), ("random", 20), ("qmc", 20), ("nsga2", 1)]
)
def test_the_points_shown_as_the_first_ones_are_those_that_run(
    sampler: str, known: int, mode: str
) -> None:
    space = {"model": {"norm": {"choice": ["none", "every_conv"]}}}
    space |= {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}, "adam": {}}}}
    changes = {"sampler": sampler, "points": 20, "space": space, "mode": mode}
    changes["first"] = [{"set": {"model.norm": "none", "optimizer": {"name": "sgd", "lr": 0.5}}}]
    if mode == "method-study":
        changes["roles"] = {"scientific": ["model.norm"]}
        known = 2 * known if sampler in ("tpe", "gp") else known
    spec = small_spec(**changes)
    shown = known_points(spec, 20)
    assert len(shown) == min(known, 20)
    assert preview_of(spec, 20).known == len(shown)
    controller = controller_on(Storage(), spec)
    drive(controller)
    ran = [spec.params_of(point.values) for point in controller.history.points]
    assert [spec.params_of(point) for point in shown] == ran[: len(shown)]


def test_a_preview_says_which_points_are_known_and_which_could_follow() -> None:
    lines = preview_of(small_spec(points=20), 12).lines()
    assert "the first 10 points:" in lines
    assert "then 2 points as they could be, drawn at random:" in lines


def test_more_points_than_there_are_different_ones_are_said_to_repeat_others() -> None:
    text = "\n".join(preview_of(small()).lines())
    assert "6 points; there are only 4 different ones: 2 repeat others" in text


def test_points_that_would_repeat_are_counted() -> None:
    assert preview_of(small()).duplicates >= 2
    assert preview_of(small(sampler="grid")).duplicates == 0


def test_points_that_are_all_shown_are_not_said_to_repeat_others_where_none_does() -> None:
    sizes = {"accumulation": {"choice": [1, 2, 4]}, "precision": {"choice": ["fp32", "bf16"]}}
    spec = small_spec(points=4, space=sizes)
    preview = preview_of(spec)
    shown = [tuple(point.items()) for point in preview.samples]
    assert preview.known == len(set(shown)) == 4
    assert preview.duplicates == 0
    assert "repeat" not in str(preview)


def test_of_points_that_are_drawn_at_random_the_repeats_are_exact() -> None:
    sizes = {"accumulation": {"choice": [1, 2, 4]}, "precision": {"choice": ["fp32", "bf16"]}}
    preview = preview_of(small_spec(points=6, space=sizes, sampler="random"))
    shown = [tuple(point.items()) for point in preview.samples]
    repeats = 6 - len(set(shown))
    assert repeats
    assert f"6 points; {repeats} of them repeat others" in str(preview)


def test_a_grid_and_a_list_of_points_are_shown_as_they_are() -> None:
    grid = small(sampler="grid")
    assert preview_of(grid).samples == grid.space.grid()
    listed = spec_from_tree(
        {"study": "s", "sampler": "first-only", "first": [{"set": {"epochs": 2}}]}
    )
    assert preview_of(listed).samples == [{"epochs": 2}]


def test_the_levels_of_a_method_study_take_turns() -> None:
    spec = small(mode="method-study", roles={"scientific": ["precision"]})
    points = points_of(spec)
    assert [next(points)["precision"] for _ in range(4)] == ["fp32", "bf16", "fp32", "bf16"]
    assert preview_of(spec).levels == 2


def test_each_section_of_branches_has_its_own_shares() -> None:
    space = {
        "optimizer": {"one_of": {"sgd": {}, "adam": {}}},
        "schedule": {"one_of": {"constant": {}, "cosine": {}}},
    }
    shares: dict[str, float] = {}
    for row in preview_of(small(space=space)).branches:
        shares[row["path"]] = shares.get(row["path"], 0) + row["share"]
    assert shares == pytest.approx({"optimizer.name": 1, "schedule.name": 1})


def test_the_share_of_points_that_keep_the_rules_is_shown_and_only_those_are() -> None:
    ruled = small(require=["precision == 'fp32'"])
    preview = preview_of(ruled)
    assert preview.passing is not None
    assert preview.passing.looked_at == 10_000
    assert 4_700 < preview.passing.passing < 5_300
    assert {point["precision"] for point in preview.samples} == {"fp32"}
    text = "\n".join(preview.lines())
    assert "require: precision == 'fp32'" in text
    assert f"require: {preview.passing.passing:,} of 10,000 draws pass (" in text
    grid = preview_of(small(sampler="grid", require=["precision == 'fp32'"]))
    assert str(grid.passing).endswith("points of the grid pass (50.0%)")
    assert preview_of(small()).passing is None
