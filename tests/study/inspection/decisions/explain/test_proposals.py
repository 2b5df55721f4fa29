"""How points came to be proposed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.controller.controller import Controller
from study.files.layout import StudyPaths
from study.inspection.decisions.explain.explain import Explanations
from study.inspection.decisions.explain.proposals import ProposalExplanation
from study.journal.failure import Failure

from ....controller.studies import play
from ....controller.test_require import killed_and_resumed, ruled_spec
from ....fake_cluster import Storage, controller_on, drive, small_spec
from ....fake_folder import run_into, write_folder

GRID = {"optimizer": {"lr": {"choice": [0.01, 0.1, 1.0]}}, "accumulation": {"choice": [1, 2]}}


def explained(folder: Path, **changes: Any) -> tuple[list[ProposalExplanation], Controller]:
    paths, controller = run_into(folder, small_spec(**changes))
    return Explanations(paths).proposals(), controller


def test_tpe_begins_spread_and_then_says_what_it_learned_from(tmp_path: Path) -> None:
    proposals, controller = explained(tmp_path, points=30)
    assert [each.by for each in proposals[:10]] == ["spread"] * 10
    by_chance = [each.point for each in proposals if each.by == "random"]
    start = 10 + len(by_chance)  # until ten of them have ended there is nothing to learn from
    assert by_chance == list(range(10, start))
    assert start < 16
    learned = [each.learned_from for each in proposals[start:]]
    assert learned == sorted(learned)
    for each in proposals[start:]:
        told = each.tree()
        assert (told["kind"], told["by"]) == ("proposal", "model")
        assert 10 <= told["learned_from"] < told["point"]
        assert 0 < told["expected"] <= 1
        assert told["among"] == -(-told["learned_from"] // 10)  # a tenth, as TPE has it
        assert told["redrawn"] == []
        assert "was proposed by tpe's model, which had learned from" in told["text"]
        assert controller.history.points[each.point].note is not None


@pytest.mark.parametrize(
    ("sampler", "by"),
    [
        ("random", ["random"]),
        ("qmc", ["qmc"]),
        ({"name": "tpe", "multivariate": False, "group": False}, ["model", "random", "spread"]),
        ({"name": "nsga2", "population_size": 5}, ["model", "random"]),
        ("cmaes", ["model", "random", "spread"]),
        ({"name": "gp", "n_startup_trials": 5}, ["model", "random", "spread"]),
    ],
    ids=str,
)
def test_each_sampler_says_whether_results_had_a_part(
    tmp_path: Path, sampler: Any, by: list[str]
) -> None:
    space = {"optimizer": {"lr": {"log": [1e-3, 1]}, "weight_decay": {"log": [1e-6, 1e-2]}}}
    proposals, _ = explained(tmp_path, points=14, sampler=sampler, space=space, pruner="none")
    assert sorted({each.by for each in proposals}) == by
    for each in proposals:
        is_known = each.expected is not None
        assert is_known == (each.by == "model" and each.sampler == "tpe")
        assert bool(each.learned_from) == (each.by == "model")


def test_points_of_the_file_of_the_grid_and_of_the_user_say_so(tmp_path: Path) -> None:
    first = [{"set": {"optimizer": {"lr": 0.1}, "accumulation": 1}}]
    spec, storage = small_spec(space=GRID, sampler="grid", first=first), Storage()
    controller = controller_on(storage, spec)
    play(controller, controller.next())
    controller.add_point({"optimizer.lr": 0.02, "accumulation": 1})
    drive(controller)
    proposals = Explanations(write_folder(tmp_path, spec, storage)).proposals()
    assert [each.by for each in proposals] == ["first", "user", *["grid"] * 5]
    assert proposals[0].sentence() == "Point 0 is first[0] of the study file."
    assert proposals[1].sentence() == "Point 1 was added by the user."
    assert proposals[2].sentence().startswith("Point 2 is the next one of the grid. The nearest")


def test_draws_that_break_a_rule_are_told(tmp_path: Path) -> None:
    spec = ruled_spec("random")
    paths, _ = run_into(tmp_path, spec)
    proposals = Explanations(paths).proposals()
    assert any(each.redrawn for each in proposals)
    told = next(each for each in proposals if each.redrawn).tree()
    assert {each["why"] for each in told["redrawn"]} == {"require"}
    assert "before it w" in told["text"]
    assert "turned down, because it broke a rule of `require:`" in told["text"]


def test_draws_that_would_not_fit_in_memory_are_told(tmp_path: Path) -> None:
    def hurt(assignment: Any, epoch: int) -> Failure | None:
        too_large = assignment.recipe["optimizer"]["name"] == "adam"
        return Failure("out_of_memory", "full") if too_large else None

    paths, _ = run_into(tmp_path, small_spec(points=24, sampler="random"), hurt=hurt)
    redrawn = [why for each in Explanations(paths).proposals() for why in each.redrawn or ()]
    assert set(redrawn) == {"memory"}


@pytest.mark.parametrize("sampler", ["tpe", "nsga2"])
def test_a_study_that_was_killed_tells_of_its_proposals_as_one_that_was_not(
    tmp_path: Path, sampler: str
) -> None:
    spec = ruled_spec(sampler)
    whole = controller_on(Storage(), spec)
    drive(whole)
    killed = killed_and_resumed(spec, every=23, seed=9)
    notes = [point.note for point in whole.history.points]
    assert [point.note for point in killed.history.points] == notes


def without_notes(folder: Path, storage: Storage, **changes: Any) -> StudyPaths:
    """The folder of a study that was begun when nobody noted how a proposal came to be."""
    for event in storage.events:
        event.pop("note", None)
    return write_folder(folder, small_spec(**changes), storage)


def test_of_an_older_journal_it_is_told_what_is_known(tmp_path: Path) -> None:
    storage = Storage()
    drive(controller_on(storage, small_spec(points=20), start="drawn"))
    paths = without_notes(tmp_path, storage, points=20)
    early, late = Explanations(paths).of_point(3), Explanations(paths).of_point(18)
    assert (early.by, early.learned_from, early.redrawn) == ("random", None, None)
    assert (late.by, late.learned_from, late.expected, late.redrawn) == (None, None, None, None)
    assert late.neighbor is not None
    assert late.sentence().startswith(
        "Point 18 was proposed by tpe; the journal doesn't say from what. The nearest point"
    )
