"""The sections of a study file that say other things where the training is the user's own."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from search_spaces.validation import describe
from study.spec.sections import First, Objective, Retries, TrialLimits
from study.training.recipe.metric_catalog import (
    FIXED_COLUMNS,
    METRIC_NAME,
    TIME_METRICS,
    Direction,
)
from study.validation.numbers import AboveZero, Tries
from study.validation.section import FACTORY_PATTERN, is_factory_name, rule

_SILENCE_S = 300.0
FUNCTION_FORM = "package.module:function"
"""What messages call the name of a function."""


def _metric(value: object) -> object:
    if not isinstance(value, str) or not METRIC_NAME.fullmatch(value):
        raise rule(
            "must be a metric's name of a-z, 0-9 and _, a letter first", found=describe(value)
        )
    if value in FIXED_COLUMNS and value not in TIME_METRICS:
        raise rule("must be no name of a column that every table has", found=describe(value))
    return value


def _function(value: object) -> object:
    if isinstance(value, str) and is_factory_name(value):
        return value
    raise rule("must name a function", found=describe(value), accepted=FUNCTION_FORM)


FunctionName = Annotated[
    str,
    BeforeValidator(_function),
    Field(json_schema_extra={"pattern": f"^{FACTORY_PATTERN}$"}),
]
"""A function of the user's own: ``package.module:function``."""
MetricName = Annotated[
    str,
    BeforeValidator(_metric),
    Field(json_schema_extra={"pattern": f"^{METRIC_NAME.pattern}$"}),
]


class OwnObjective(Objective):
    """What is optimized: a metric that the function reports."""

    short_for = ""

    metric: MetricName  # type: ignore[assignment]  # the names of a recipe's metrics are known
    """a metric that the function reports"""
    direction: Direction = Field()
    """which values are better: nobody but you knows"""


class OwnFirst(First):
    """A point that runs first, exactly as written."""

    set: dict[str, Any]
    """values of the config; what is left out has that of recipe"""


class OwnRetries(Retries):
    """How often a trial is tried again after each kind of failure."""

    out_of_memory: Tries = 0
    """each as another attempt, which the function is told of"""


class OwnTrialLimits(TrialLimits):
    """Limits of one trial."""

    heartbeat_s: AboveZero | None = None  # type: ignore[assignment]  # left out is told apart
    """seconds without a sign of life after which a trial is hung; left out, from the function's
    first heartbeat on
    """
    retries: OwnRetries = OwnRetries()
    """tries again after a failure, by its kind"""

    @property
    def silence_s(self) -> float:
        """For how long a trial may show no sign of life, once that counts."""
        return _SILENCE_S if self.heartbeat_s is None else self.heartbeat_s
