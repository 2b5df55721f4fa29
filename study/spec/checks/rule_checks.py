"""Whether a study's rules between values speak of values that there are, and let points pass."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from search_spaces.random_trial import FEWEST_PASSING, MOST_DRAWS, count_passing
from search_spaces.validation import Fault, KeyPath, describe
from search_spaces.values import Value
from study.spec.spec import StudySpec

_NEAREST_NAMES = 3


def broken_rule_faults(
    spec: StudySpec, values: Mapping[str, Value], at: KeyPath
) -> Iterator[Fault]:
    """Refuse a point that breaks rules of ``require:``, in one fault that names them."""
    broken = [rule for rule in spec.rules if not rule.holds(values)]
    if broken:
        texts = " and ".join(f"require: {rule.text}" for rule in broken)
        found = ", ".join(dict.fromkeys(rule.described_values(values) for rule in broken))
        yield Fault(at, f"must keep {texts}", found)


def name_faults(spec: StudySpec) -> Iterator[Fault]:
    """Demand that rules name values that a recipe can have."""
    written = (spec.fixed, spec.overrides, *(first.set for first in spec.first))
    known = spec.kind.rule_names(written).union(spec.space.paths())
    for index, rule in enumerate(spec.rules):
        unknown = [name for name in rule.names if name not in known]
        if unknown:
            found = ", ".join(describe(name) for name in unknown)
            nearest = [text for name in unknown if (text := _nearest_names(name, known))]
            must = "must name values of the recipe"
            yield Fault(("require", index), must, found, "", " and ".join(nearest))


def _nearest_names(name: str, known: Collection[str]) -> str:
    """Return known names like this one: of the same last part, or spelled alike."""
    same_end = [other for other in known if other == f"{name}.name" or _ends_alike(other, name)]
    alike = difflib.get_close_matches(name[:200], sorted(known), n=_NEAREST_NAMES)
    nearest = [*sorted(same_end), *(other for other in alike if other not in same_end)]
    return " or ".join(nearest[:_NEAREST_NAMES])


def _ends_alike(one: str, other: str) -> bool:
    return one.rpartition(".")[2] == other.rpartition(".")[2]


def passing_faults(spec: StudySpec) -> Iterator[Fault]:
    """Refuse rules that hardly any point of the space, or of a level of it, keeps."""
    if not spec.rules or spec.sampler.name == "first-only":
        return
    for level in spec.levels():
        passing = count_passing(spec.space.fix(level), spec.allows, most=FEWEST_PASSING)
        if passing < FEWEST_PASSING:
            names = ", ".join(f"{path} = {value}" for path, value in level.items())
            where = f"the level {names}" if level else "the space"
            must = f"must let at least {FEWEST_PASSING / MOST_DRAWS:.1%} of {where} pass"
            yield Fault(("require",), must, f"{passing} of {MOST_DRAWS:,} draws")
            return
