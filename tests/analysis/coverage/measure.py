"""Counting answers over many worlds, and the table of what was counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .scenarios import INTERVAL, Scenario
from .worlds import HEAVY_TAILED, LAWS

LEAST = {"normal": 0.92, "skewed": 0.90, "heavy-tailed": 0.78}
"""Of nominal 95 %: what an interval must cover at the least, by the law of the noise."""
MOST = 0.98
FALSE_ALARMS = 0.06
MOST_WORLDS = 3
"""For each answer that is wanted: not every world gives one, where a spread may be unknown."""


@dataclass(frozen=True)
class Count:
    """How many of the answers of one scenario were yes."""

    scenario: str
    law: str
    n: int
    yes: int
    of: int

    @property
    def share(self) -> float:
        return self.yes / self.of if self.of else float("nan")


def count(scenario: Scenario, law: str, n: int, least: int) -> Count:
    """At least so many answers, of as many worlds as that takes; the same ones at each call."""
    answers: list[bool] = []
    for world in range(MOST_WORLDS * least):
        if len(answers) >= least:
            break
        digest = hashlib.sha256(f"{scenario.name} {law} {n} {world}".encode()).digest()
        random = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        answers += list(scenario.draw(random, LAWS[law], n))
    return Count(scenario.name, law, n, sum(answers), len(answers))


def bounds(scenario: Scenario, law: str) -> tuple[float, float]:
    """Between which shares the truth about a scenario must lie."""
    if scenario.kind != INTERVAL:
        return 0.0, 1 - LEAST[law] if law == HEAVY_TAILED else FALSE_ALARMS
    if law == HEAVY_TAILED and not scenario.bounded_under_heavy_tails:
        return 0.0, 1.0
    slack = scenario.level - 0.95
    least = LEAST[law] + slack
    return least, 1.0 if scenario.may_cover_more else MOST + slack if law == "normal" else 1.0


def plausible(found: Count, least: float, most: float, chance: float = 1e-3) -> bool:
    """Whether a count could well have come of a share within the bounds (exact binomial)."""
    from scipy import stats

    if not found.of:
        return False
    too_few = least > 0 and stats.binom.cdf(found.yes, found.of, least) < chance
    too_many = most < 1 and stats.binom.sf(found.yes - 1, found.of, most) < chance
    return not (too_few or too_many)


def markdown(scenario: Scenario, found: Iterable[Count]) -> str:
    """One scenario's rows: the shares by law and n."""
    shares = {(one.law, one.n): one for one in found}
    rows = []
    for law in LAWS:
        cells = [
            f"{shares[law, n].share:.3f}" if (law, n) in shares else "" for n in scenario.sizes
        ]
        if any(cells):
            rows.append(f"| {law} | {' | '.join(cells)} |")
    head = f"| {scenario.n_is} | {' | '.join(map(str, scenario.sizes))} |"
    bars = "| --- |" + " ---: |" * len(scenario.sizes)
    return "\n".join([head, bars, *rows])
