"""Who runs: each rival by its name, as it is called in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from .first_epoch import FirstEpochSearch
from .foreign import run_foreign
from .own_study import OwnStudy
from .recorded import RecordedSpace
from .story import Story

POINTS = 64
"""So many points has each search."""

Rival = Callable[[RecordedSpace, int, int], Story]
"""(space, number of the repetition, workers) -> what became of it."""

TODAY = "tpe, asha"
"""What the others are measured against: the project's sampler with Optuna's successive halving."""


AUTO = "auto: asha, promote"
"""The pruner that a study has whose file leaves it open, by what that comes to be in a search."""

_SLOW = "ASHABORE"
"""Syne Tune's that fits trees for every proposal, more than ten seconds a search: run if named."""


def is_slow(rival: str) -> bool:
    """Whether a rival runs only where it is named."""
    return rival.endswith(_SLOW)


def _own(sampler: str, pruner: Mapping[str, Any], *, reproducible: bool = True) -> Rival:
    changes: dict[str, Any] = {"sampler": {"name": sampler}, "pruner": dict(pruner)}
    changes["reproducible"] = reproducible
    return lambda space, number, workers: OwnStudy(space, changes, number, workers, POINTS).run()


def _tune(scheduler: str, *, optuna: bool) -> Rival:
    def run(space: RecordedSpace, number: int, workers: int) -> Story:
        from .ray_tune import TuneSearch

        search = TuneSearch(space, scheduler, number, POINTS, optuna=optuna)
        return run_foreign(space, search, number, workers)

    return run


def _syne(name: str) -> Rival:
    def run(space: RecordedSpace, number: int, workers: int) -> Story:
        from .syne import SyneSearch

        return run_foreign(space, SyneSearch(space, name, number, POINTS), number, workers)

    return run


def _first_epoch(space: RecordedSpace, number: int, workers: int) -> Story:
    return run_foreign(space, FirstEpochSearch(space, number, POINTS), number, workers)


_PRUNERS: Mapping[str, Mapping[str, Any]] = {
    "none": {"name": "none"},
    "asha": {"name": "asha"},
    AUTO: {"name": "auto"},
    "pasha": {"name": "pasha"},
    "first-epochs": {"name": "first-epochs"},
    "hyperband": {"name": "hyperband"},
    "median": {"name": "median"},
    "percentile": {"name": "percentile"},
    "patient": {"name": "patient"},
}
"""The project's own pruners, each with its defaults."""


def rivals() -> dict[str, Rival]:
    """All that can run here; Syne Tune's where it is installed."""
    found: dict[str, Rival] = {
        "random, none": _own("random", {"name": "none"}),
        "random, one epoch, then the best 3": _first_epoch,
        "random, Tune's asha": _tune("asha", optuna=False),
        "random, Tune's hyperband": _tune("hyperband", optuna=False),
        "OptunaSearch, Tune's asha": _tune("asha", optuna=True),
        "OptunaSearch, Tune's hyperband": _tune("hyperband", optuna=True),
    }
    if find_spec("syne_tune"):
        for name in ("ASHA", "BOHB", _SLOW):
            found[f"Syne Tune's {name}"] = _syne(name)
    for name, pruner in _PRUNERS.items():
        found[f"tpe, {name}"] = _own("tpe", pruner)
    for name, pruner in (("asha", {"name": "asha"}), (AUTO, {"name": "auto"})):
        found[f"tpe, {name}, not reproducible"] = _own("tpe", pruner, reproducible=False)
    return found
