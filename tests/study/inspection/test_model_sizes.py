"""How many parameters a network has, and that a count which is kept is that of now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.inspection import model_sizes
from study.inspection.model_sizes import count_parameters
from study.results.kept_figures import KeptFigures
from study.training.recipe.recipe import Recipe


@pytest.fixture(autouse=True)
def cache_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "ray-study"


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the networks that were built to be counted."""
    names: list[str] = []
    build = model_sizes._build_and_count

    def counted(recipe: Recipe, *shape: Any) -> int:
        names.append(recipe.model.name)
        return build(recipe, *shape)

    monkeypatch.setattr(model_sizes, "_build_and_count", counted)
    return names


def recipe_of(**model: Any) -> Recipe:
    tree = {"data": {"name": "mnist"}, "model": {"name": "lenet"} | model}
    return Recipe.model_validate(tree)


def test_a_network_is_built_once_however_often_it_is_counted(built: list[str]) -> None:
    assert [count_parameters(recipe_of()) for _ in range(3)] == [431_080] * 3
    assert built == ["lenet"]


def test_a_network_of_other_settings_or_for_other_images_is_another(built: list[str]) -> None:
    counts = {
        count_parameters(recipe_of()),
        count_parameters(recipe_of(width=2.0)),
        count_parameters(recipe_of(norm="every_conv")),
        count_parameters(recipe_of().model_copy(update={"data": colored()})),
    }
    assert (len(counts), len(built)) == (4, 4)


def colored() -> Any:
    return Recipe.model_validate({"data": {"name": "cifar10"}}).data


def test_a_count_of_other_code_is_not_taken(
    built: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    count_parameters(recipe_of())
    monkeypatch.setattr(model_sizes, "_code_hash", lambda: "other code")
    assert count_parameters(recipe_of()) == 431_080
    assert len(built) == 2


@pytest.mark.parametrize("kept", ["1", True, -1, 0, 1.5, None, [1]])
def test_what_can_be_no_count_is_counted(kept: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeptFigures, "find", lambda figures, key: kept)
    assert count_parameters(recipe_of()) == 431_080


def test_where_nothing_can_be_kept_it_is_counted_each_time(
    cache_home: Path, built: list[str]
) -> None:
    cache_home.write_text("a file where the folder would be")
    assert [count_parameters(recipe_of()) for _ in range(2)] == [431_080] * 2
    assert len(built) == 2


def test_what_can_not_be_built_and_what_is_the_users_own_is_none(built: list[str]) -> None:
    assert count_parameters(recipe_of(name="vgg16")) == 0, "its images are too small"
    assert count_parameters(recipe_of(name="timm:resnet18")) == 0
    assert built == ["vgg16"]
