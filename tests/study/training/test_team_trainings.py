"""The same recipe with one, two and four workers: the same updates, the same figures."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SGD = {"name": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True}
ADAMW = {"name": "adamw", "lr": 0.002}
DATA = {"name": "digits", "train_images": 330, "batch_size": 30, "test_images": 61}
MODELS = {
    "mlp": {"name": "mlp", "dropout": 0.2},
    "lenet": {"name": "lenet", "resolution": 2.0},
    "small_cnn": {"name": "small_cnn", "norm_kind": "group", "dropout": 0.1},
}
OPTIMIZERS = {"sgd": SGD, "adamw": ADAMW}
QUICK = [("mlp", "sgd", 2), ("lenet", "adamw", 1), ("small_cnn", "adamw", 2)]
Case = dict[str, Any]


def train_all(cases: list[Case]) -> list[Any]:
    """Train each case with each number of workers; of each training, what its workers say."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.study.training.team_trainings"],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: list[Any] = json.loads(done.stdout)
    return told


def case(*workers: int, double: bool = True, goes_on: bool = False, **recipe: Any) -> Case:
    data = DATA | recipe.pop("data", {})
    tree = {"epochs": 2, **recipe, "data": data}
    return {"workers": workers, "double": double, "goes_on": goes_on, "recipe": tree}


def pairings() -> list[tuple[str, str, int]]:
    """Each model with each optimizer and each accumulation."""
    return [
        (model, optimizer, accumulation)
        for model in MODELS
        for optimizer in OPTIMIZERS
        for accumulation in (1, 2)
    ]


def paired(model: str, optimizer: str, accumulation: int) -> Case:
    return case(
        1, 2, 4, model=MODELS[model], optimizer=OPTIMIZERS[optimizer], accumulation=accumulation
    )


def named_cases() -> dict[str, Case]:
    """Every case by its name; all are trained by one process, as loading torch takes longest."""
    cases = {" ".join(map(str, pair)): paired(*pair) for pair in QUICK}
    plain: dict[str, Any] = {"model": MODELS["mlp"], "optimizer": SGD}
    cases["single precision"] = case(1, 2, 4, double=False, **plain)
    cases["uneven"] = case(
        1, 4, **plain, accumulation=2, data={"train_images": 203, "batch_size": 22}
    )
    cases["fewer images than workers"] = case(
        1, 4, model=MODELS["small_cnn"], optimizer=SGD, data={"train_images": 202, "batch_size": 30}
    )
    cases["sync_norm"] = case(
        1, 2, 4, model={"name": "small_cnn", "sync_norm": True}, optimizer=SGD, accumulation=2
    )
    cases["sync_norm, fewer images than workers"] = case(
        1,
        4,
        model={"name": "small_cnn", "sync_norm": True},
        optimizer=SGD,
        data={"train_images": 202, "batch_size": 30},
    )
    cases["local norm"] = case(2, model={"name": "small_cnn"}, optimizer=SGD)
    drawn = {"augment": ["crop_flip", {"name": "mixup", "alpha": 0.5}]}
    cases["augmented"] = case(1, 4, **plain, data=drawn)
    cases["host loader"] = case(
        1, 2, **plain, data={"augment": "crop_flip", "loader": {"name": "host"}}
    )
    cases["clip, ema, plateau"] = case(
        1,
        2,
        **plain,
        clip={"name": "norm", "limit": 0.5},
        ema={"decay": 0.9},
        schedule={"name": "plateau", "metric": "val_loss", "patience": 0},
        metrics=["auroc"],
    )
    cases["gone on with"] = case(2, 4, 1, goes_on=True, **plain, epochs=3) | {"stop_after": 1}
    cases["not interrupted"] = case(1, **plain, epochs=3)
    return cases


@lru_cache(maxsize=1)
def all_trained() -> dict[str, list[Any]]:
    """What the workers of each case say, by its name, for each of its numbers of workers."""
    cases = named_cases()
    told = iter(train_all(list(cases.values())))
    return {name: [next(told) for _ in one["workers"]] for name, one in cases.items()}


def assert_equal(name: str, tolerance: float) -> None:
    """All numbers of workers have come to the same losses, weights and figures."""
    alone, *others = all_trained()[name]
    for together in others:
        assert_alike(together[0], alone[0], tolerance)


def assert_alike(first: Any, alone: Any, tolerance: float) -> None:
    assert first["reason"] == alone["reason"]
    assert len(first["rows"]) == len(alone["rows"])
    for row, expected in zip(first["rows"], alone["rows"], strict=True):
        for column in ("train_loss", "val_loss", "gradient_norm", "lr"):
            assert row[column] == pytest.approx(expected[column], rel=tolerance)
        for column in ("train_accuracy", "val_accuracy", "val_f1", "steps", "epoch"):
            assert row[column] == expected[column], column
    scale = max(map(abs, alone["weights"]))
    pairs = zip(first["weights"], alone["weights"], strict=True)
    assert max(abs(mine - expected) for mine, expected in pairs) <= tolerance * scale
    tested = alone["summary"]["test_loss"]
    assert first["summary"]["test_loss"] == pytest.approx(tested, rel=tolerance)


@pytest.mark.parametrize("pair", QUICK)
def test_any_number_of_workers_makes_the_same_updates(pair: tuple[str, str, int]) -> None:
    assert_equal(" ".join(map(str, pair)), 1e-10)


@pytest.mark.faults
def test_so_it_is_for_each_model_optimizer_and_accumulation() -> None:
    told = iter(train_all([paired(*pair) for pair in pairings()]))
    for _ in pairings():
        alone, two, four = next(told), next(told), next(told)
        assert_alike(two[0], alone[0], 1e-10)
        assert_alike(four[0], alone[0], 1e-10)


def test_in_single_precision_rounding_is_all_that_differs() -> None:
    assert_equal("single precision", 1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "uneven",
        "fewer images than workers",
        "sync_norm",
        "sync_norm, fewer images than workers",
        "augmented",
        "host loader",
        "clip, ema, plateau",
    ],
)
def test_what_an_image_gets_depends_on_its_place_alone(name: str) -> None:
    assert_equal(name, 1e-10)


def test_another_number_of_workers_goes_on_where_the_former_has_stopped() -> None:
    first, second, _ = all_trained()["gone on with"]
    straight = all_trained()["not interrupted"][0][0]
    rows = [*first[0]["rows"], *second[0]["rows"][1:]]
    assert [row["epoch"] for row in second[0]["rows"]] == [1, 2, 3]
    for row, expected in zip(rows, straight["rows"], strict=True):
        assert row["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-10)
    assert second[0]["weights"] == pytest.approx(straight["weights"], rel=1e-8, abs=1e-12)


def test_the_first_worker_reports_for_all_and_all_end_alike() -> None:
    first, second = all_trained()["local norm"][0]
    assert len(first["rows"]) == 2
    assert second["rows"] == []
    assert second["reason"] == first["reason"] == "epochs"
    assert second["summary"]["test_loss"] == first["summary"]["test_loss"]
