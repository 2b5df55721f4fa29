"""What an epoch of an own training costs on the virtual clock: 1, or what its user says."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from search_spaces.validation import describe
from search_spaces.values import is_finite_number
from study.errors import UserError
from study.spec.spec import StudySpec

_COST_OF_A_REPORT = 1.0


def own_costs(spec: StudySpec) -> Callable[[Mapping[str, Any]], float]:
    """Return what an epoch costs with a config of this study.

    It loads code of the study's, once it is asked: who asks must trust that. It raises UserError
    where that code fails or gives no number above zero.
    """
    reference = spec.epoch_cost
    if reference is None:
        return lambda config: _COST_OF_A_REPORT
    return lambda config: _cost_by(reference, config)


def _cost_by(reference: str, config: Mapping[str, Any]) -> float:
    try:
        cost = _load(reference)(copy.deepcopy(dict(config)))
    except Exception as error:
        raise UserError(
            f"epoch_cost: {reference} failed: {type(error).__name__}: {error}"
        ) from None
    if not is_finite_number(cost) or cost <= 0:
        must = f"epoch_cost: {reference} must give a number above 0"
        raise UserError(f"{must}; found {describe(cost)}")
    return float(cost)


def _load(reference: str) -> Callable[[Mapping[str, Any]], object]:
    """Import a function, looked for as workers do, in the current folder last of all."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    module, _, name = reference.partition(":")
    function: Callable[[Mapping[str, Any]], object] = getattr(import_module(module), name)
    return function
