"""The numbers of a study file, each with its bounds: integers without a point, finite numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from search_spaces.values import is_finite_number
from study.validation.section import rule


def _integer(value: object) -> object:
    if not is_finite_number(value) or isinstance(value, float):
        raise rule("must be an integer")
    return value


def _number(value: object) -> object:
    if not is_finite_number(value):
        raise rule("must be a finite number")
    return value


Number = Annotated[float, BeforeValidator(_number)]
ZeroOrMore = Annotated[float, Field(ge=0), BeforeValidator(_number)]
AboveZero = Annotated[float, Field(gt=0), BeforeValidator(_number)]
Fraction = Annotated[float, Field(ge=0, le=1), BeforeValidator(_number)]
Percentage = Annotated[float, Field(ge=0, le=100), BeforeValidator(_number)]
Amount = Annotated[float, Field(gt=0, le=100_000), BeforeValidator(_number)]

Natural = Annotated[int, Field(ge=0, le=1_000_000), BeforeValidator(_integer)]
AtLeastOne = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_integer)]
AtLeastTwo = Annotated[int, Field(ge=2, le=1_000_000), BeforeValidator(_integer)]
Tries = Annotated[int, Field(ge=0, le=1000), BeforeValidator(_integer)]
Replicates = Annotated[int, Field(ge=1, le=1000), BeforeValidator(_integer)]
Reduction = Annotated[int, Field(ge=2, le=1000), BeforeValidator(_integer)]
Concurrency = Annotated[int, Field(ge=1, le=10_000), BeforeValidator(_integer)]
WorkerCount = Annotated[int, Field(ge=1, le=1000), BeforeValidator(_integer)]
SamplerSeed = Annotated[int, Field(ge=0, le=2**63 - 1), BeforeValidator(_integer)]
