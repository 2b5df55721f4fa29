"""Whether a rule stops a trial, where it isn't known for sure who its rivals are and how they do.

Each answer is the set of what may be: one element where it is certain after all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from study.sampling.stop_rules import (
    HalvingRule,
    PatientRule,
    RankedRule,
    StopRule,
    Values,
)

_BEYOND_ALL = 1e300
"""Stands for a value that may be as great as can be."""
_MOST_PERHAPS = 50
"""With more trials that may or may not be there, a percentile isn't worked out for each number."""


@dataclass(frozen=True)
class Field:
    """Whom a trial is compared with at an epoch."""

    sure: Sequence[Values]
    """The values of rivals that are there for certain."""
    perhaps: Sequence[Values | None]
    """Those of rivals that may be there; None where nobody knows the value."""
    ended: tuple[int, int]
    """At least and at most how many trials count for a rule that lets the first few run."""


def may_stop(rule: StopRule, reports: Sequence[Values], field: Field) -> set[bool]:
    """Whether the rule stops a trial with these reports: what may be."""
    is_certain = not field.perhaps and field.ended[0] == field.ended[1]
    if is_certain or isinstance(rule, PatientRule):
        return {rule.compare(reports, field.sure, field.ended[0]).stops}
    if isinstance(rule, HalvingRule):
        return _halving(rule, reports[-1][0], field)
    if isinstance(rule, RankedRule):
        return _ranked(rule, reports, field)
    return {True, False}  # by fronts and crowding, any other trial may tip the balance


def _halving(rule: HalvingRule, own: float, field: Field) -> set[bool]:
    """By how many rivals are better: another better one never keeps a trial from its stop, another
    worse one never brings it about.
    """
    unknown = sum(values is None for values in field.perhaps)
    known = [values for values in field.perhaps if values is not None]
    better = _count_better(rule, own, field.sure)
    perhaps_better = _count_better(rule, own, known)
    perhaps_worse = len(known) - perhaps_better
    at_least = 1 + len(field.sure)

    hardest = better + perhaps_better + unknown
    may = hardest >= rule.places(at_least + perhaps_better + unknown)
    must = better >= rule.places(at_least + perhaps_worse + unknown)
    return {may, must}


def _count_better(rule: HalvingRule, own: float, values: Sequence[Values]) -> int:
    return sum(rule.sign * value[0] > rule.sign * own for value in values)


def _ranked(rule: RankedRule, reports: Sequence[Values], field: Field) -> set[bool]:
    """By the highest and the lowest bar that any number of those make up that may be there."""
    if len(field.perhaps) > _MOST_PERHAPS:
        return {True, False}
    found: set[bool] = set()
    for extreme in (_BEYOND_ALL, -_BEYOND_ALL):
        filled = [(extreme,) if values is None else values for values in field.perhaps]
        filled.sort(key=lambda values: values[0], reverse=extreme > 0)
        for count in range(len(filled) + 1):
            rivals = [*field.sure, *filled[:count]]
            for ended in field.ended:
                found.add(rule.compare(reports, rivals, ended).stops)
            if len(found) == 2:
                return found
    return found
