"""A study keeps the recipe defaults that it was created with, whatever those of a later version
are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.run import RunOptions
from study.files.atomic import make_folder, write_whole
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.spec_versions import check_same, extend
from study.spec.load import load_spec, shipped_studies
from study.spec.spec import StudySpec
from study.training.recipe import model_catalog as catalog
from study.training.recipe.optimizers import Sgd
from study.training.recipe.recipe import Recipe

from ..fake_cluster import small_spec

SGD = {"optimizer.name": "sgd", "optimizer.lr": 0.1}
ADAM = {"optimizer.name": "adam", "optimizer.lr": 0.01}
STUDY = small_spec(recipe={"epochs": 6, "model": "small_cnn"})


@pytest.fixture
def study(tmp_path: Path) -> StudyPaths:
    """A study as ``study run`` leaves it before its first trial."""
    paths = StudyPaths(LocalPath(tmp_path), "fake")
    make_folder(paths.folder)
    write_whole(paths.spec, STUDY.with_recorded_defaults().yaml())
    spec_in(paths)
    return paths


def spec_in(paths: StudyPaths) -> StudySpec:
    """The spec with which a driver takes the study up."""
    with RayConnection(None) as idle, open_study(paths, RunOptions(), idle) as controller:
        return controller.spec


@pytest.fixture
def newer_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Momentum by default, and another small network."""
    network = replace(catalog.FAMILIES["small_cnn"], defaults={"depth": 2, "dropout": 0.1})
    monkeypatch.setattr(catalog, "FAMILIES", {**catalog.FAMILIES, "small_cnn": network})
    before = Sgd.model_fields["momentum"].default
    set_momentum(0.5)
    yield
    set_momentum(before)


def set_momentum(default: float) -> None:
    Sgd.model_fields["momentum"].default = default
    Sgd.model_rebuild(force=True)
    Recipe.model_rebuild(force=True)


def test_a_newer_version_has_other_defaults(newer_version: None) -> None:
    recipe = STUDY.recipe(SGD, 0)
    assert recipe.optimizer.name == "sgd"
    assert (recipe.optimizer.momentum, recipe.model.depth) == (0.5, 2)


@pytest.mark.parametrize("values", [SGD, ADAM])
def test_a_study_goes_on_with_the_defaults_it_was_created_with(
    study: StudyPaths, values: dict[str, object], request: pytest.FixtureRequest
) -> None:
    before = spec_in(study)
    recipe, adopted = before.recipe(values, 1), before.with_recorded_defaults()
    request.getfixturevalue("newer_version")
    after = spec_in(study)
    assert after.recipe(values, 1) == recipe
    assert after == adopted == before
    check_same(STUDY, study)  # the study file itself is the same


def test_an_extension_keeps_them_and_adds_those_of_what_is_new(
    study: StudyPaths, newer_version: None
) -> None:
    wider = load_spec(study.spec, sets=["space.model.name.choice=[small_cnn, mlp]", "points=20"])
    before = spec_in(study)
    extend(study, wider)
    after = spec_in(study)
    assert after.points == 20
    assert {place: after.defaults[place] for place in before.defaults} == dict(before.defaults)
    assert after.defaults.keys() - before.defaults.keys() == {"model.mlp"}
    small, mlp = (after.recipe({**SGD, "model.name": name}, 0) for name in ("small_cnn", "mlp"))
    assert (small.model.depth, mlp.model.depth) == (1, 1)


@pytest.mark.parametrize("name", shipped_studies())
def test_written_down_defaults_are_those_in_force(name: str) -> None:
    spec = load_spec(name)
    settled = spec.with_recorded_defaults()
    points = [spec.space.complete({}), *(first.set for first in spec.first)]
    points += [
        spec.space.complete({variable.name: probe})
        for variable in spec.space.variables
        for probe, _ in variable.distribution.probes()
    ]
    for values in points:
        assert settled.recipe(values, 0) == spec.recipe(values, 0)
