"""Published figures in a study file: a row of someone else's results beside a point of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, ValidatorFunctionWrapHandler, WrapValidator
from typing_extensions import TypedDict

from search_spaces.validation import alternatives, closest_match, describe
from search_spaces.values import is_finite_number
from study.training.recipe.metric_catalog import OBJECTIVE_METRICS
from study.validation.numbers import AtLeastOne, ZeroOrMore
from study.validation.section import rule


class _PublishedRow(TypedDict, total=False):
    """Where in the training a row stands, and its figures by metric."""

    __pydantic_config__ = ConfigDict(  # type: ignore[misc]
        extra="allow",
        strict=True,
        use_attribute_docstrings=True,
        json_schema_extra={"additionalProperties": {"type": "number"}},
    )

    epoch: AtLeastOne
    """finished epochs, from 1"""
    end: bool
    """true: at the end of the training"""
    label: str
    """how the source counts"""
    seconds: ZeroOrMore
    """cumulative"""
    epoch_seconds: ZeroOrMore
    """one epoch, in the mean"""
    extrapolated: bool
    """true: not measured to its end"""
    note: str
    """what else a reader should know"""


_KNOWN_KEYS = tuple(_PublishedRow.__annotations__)
_ACCEPTED = alternatives([*_KNOWN_KEYS, "any metric"])


def _validated_row(value: object, validate: ValidatorFunctionWrapHandler) -> dict[str, Any]:
    """Validate a row and return it as it was written, whole numbers as such."""
    if not isinstance(value, Mapping):
        raise rule("must be a mapping", accepted=_ACCEPTED)
    validate(value)
    for key, figure in value.items():
        if key not in _KNOWN_KEYS:
            _check_metric(key, figure)
    if ("epoch" in value) == (value.get("end") is True):
        found = "both" if "epoch" in value else "neither"
        raise rule("must have either epoch or end: true", found=found, beside=["epoch", "end"])
    return dict(value)


def _check_metric(key: str, figure: object) -> None:
    like = "" if key in OBJECTIVE_METRICS else closest_match(key, _KNOWN_KEYS)
    if like or not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        raise rule(
            "must be a known key or a metric",
            [key],
            found=describe(key),
            accepted=_ACCEPTED,
            nearest=like,
            on_key=True,
        )
    if not is_finite_number(figure):
        raise rule("must be a finite number", [key], found=describe(figure))


PublishedFigures = Annotated[_PublishedRow, WrapValidator(_validated_row)]
