"""What hours of processors cost, as a study file or a file of settings says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from study.files.plain_data import without_empty
from study.spec.parts.file_section import FileSection
from study.validation.numbers import ZeroOrMore
from study.validation.section import rule

_CURRENCY = r"[A-Za-z]{1,12}|[€$£¥₹]"


def _currency(value: object) -> object:
    if isinstance(value, str) and re.fullmatch(_CURRENCY, value):
        return value
    raise rule("must be a currency's letters or sign", accepted="EUR | USD | …")


def _by_name(value: object) -> object:
    if isinstance(value, Mapping):
        return value
    raise rule("must be a mapping of names")


Currency = Annotated[str, BeforeValidator(_currency), Field(json_schema_extra={"minLength": 1})]


class Rates(FileSection):
    """What an hour costs."""

    gpu_hour: ZeroOrMore | None = None
    """of one GPU; a trial pays the share that it holds"""
    cpu_hour: ZeroOrMore | None = None
    """of one CPU"""


ByLabel = Annotated[
    dict[str, Annotated[dict[str, Rates], BeforeValidator(_by_name)]], BeforeValidator(_by_name)
]
"""By the name of a node's label and its value."""


class Prices(Rates):
    """What an hour costs, of nodes with a label of their own as well."""

    currency: Currency | None = None
    """what the amounts are in, such as EUR"""
    by_label: ByLabel | None = None
    """other prices for nodes by a label of theirs: its name, its value, gpu_hour and cpu_hour"""

    def tree(self) -> dict[str, Any]:
        """Return plain data as a study file has it, without what is left out."""
        labels = {
            label: {value: rates.tree() for value, rates in values.items()}
            for label, values in (self.by_label or {}).items()
        }
        own = self.model_dump(mode="json", exclude={"by_label"})
        return without_empty({**own, "by_label": labels})


def laid_over(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    """Return prices, as plain data, with what ``upper`` leaves out taken from ``lower``.

    Amounts of two currencies are never mixed: where both name one and they differ, ``upper`` holds
    alone.
    """
    named = {upper.get("currency"), lower.get("currency")} - {None}
    if upper and len(named) > 1:
        return dict(upper)
    return _merged(upper, lower)


def _merged(upper: Mapping[str, Any], lower: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**lower, **upper}
    for key in upper.keys() & lower.keys():
        if isinstance(upper[key], Mapping) and isinstance(lower[key], Mapping):
            merged[key] = _merged(upper[key], lower[key])
    return merged
