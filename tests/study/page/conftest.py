"""Servers over finished and unfinished studies, without Ray."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ...analysis.conftest import Maker, adam, filled, interrupted, sgd
from .served import Served, serving, settings_of


def fill_mixed(study: Maker) -> None:
    """Every kind of trial: complete, pruned, failed, interrupted and taken up again."""
    study.complete_point(adam(1e-3), [0.90, 0.92], origin="first", entry=0)
    study.complete_point(sgd(0.1, 0.9), [0.95, 0.97])
    point = study.point(sgd(1.0, 0.99))
    trial = study.start(point, 0)
    study.report(trial, 1, 0.1)
    study.prune(trial, 1)
    study.tell(point, "PRUNED", None)
    point = study.point(adam(5e-3, 2))
    study.fail(study.start(point, 0), "diverged")
    study.tell(point, "FAIL", None)
    interrupted(study)
    study.close(1)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A storage named ``lab`` of three studies: mixed, thirty, and one that has only begun."""
    folder = tmp_path_factory.mktemp("page") / "lab"
    fill_mixed(Maker(folder, name="mixed"))
    thirty = filled(Maker(folder, name="thirty"), 30)
    thirty.close()
    Maker(folder, name="begun")
    return folder


@pytest.fixture(scope="session")
def served(lab: Path) -> Iterator[Served]:
    """A server over that storage."""
    with serving(settings_of(lab)) as server:
        yield server
