"""The long form: every scenario, law and size, written down as docs/coverage.md.

``python -m tests.analysis.coverage [ANSWERS]``; exits with 1 where a count can't have come of a
share in its bounds.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

from .measure import Count, bounds, count, markdown, plausible
from .scenarios import INTERVAL, SCENARIOS, VERDICT, Scenario
from .worlds import HEAVY_TAILED, LAWS

PAGE = Path(__file__).parents[3] / "docs" / "coverage.md"
ANSWERS = 500
FEWER = 0.4
"""Of these for scenarios that are slow, and for the law that no interval is right for."""
CELLS = [
    (index, law, n)
    for index, scenario in enumerate(SCENARIOS)
    for law in LAWS
    for n in scenario.sizes
]

HEAD = """\
# What the intervals cover

Every figure of a table or report carries its interval, and an interval that says 95 % must hold the truth in 95 of 100
studies, at the two to five seeds and the handful of points that studies have. Here that is counted: studies are drawn
whose truth is known, the tables are asked about them as about any other, and the truth is held against what they say.

The noise is normal; skewed, with a tail below, as accuracies near their ceiling have it (skewness -1); or heavy-tailed,
a log-normal's (skewness -6): no interval from a few values can be right for that law, and the table says by how much it
is off, and verdicts are false the more often there. Verdicts are counted on studies in which there is nothing to find:
the share is that of false alarms.

`make coverage` counts anew and writes this page; a quick form of it is part of `make test`. Each figure is of {answers}
answers (0.950 stands for 0.950 ± {error:.3f}), of {fewer} where the noise is heavy-tailed or a world takes long, of
several times as many where a world gives several at once.
"""


def counted(cell: tuple[int, str, int]) -> Count:
    index, law, n = cell
    scenario = SCENARIOS[index]
    worlds = round(answers() * (FEWER if scenario.slow or law == HEAVY_TAILED else 1.0))
    return count(scenario, law, n, worlds * scenario.answers)


def answers() -> int:
    return int(sys.argv[1]) if len(sys.argv) > 1 else ANSWERS


def main() -> int:
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        found = pool.map(counted, CELLS, chunksize=1)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(found))
    wrong = [
        one for one in found if one.of and not plausible(one, *bounds(named(one.scenario), one.law))
    ]
    for one in wrong:
        print(
            f"{one.scenario}, {one.law}, n = {one.n}: {one.yes} of {one.of} ({one.share:.3f})",
            file=sys.stderr,
        )
    print(f"{len(found)} figures, {len(wrong)} out of bounds; see {PAGE}")
    return 1 if wrong else 0


def named(name: str) -> Scenario:
    return next(scenario for scenario in SCENARIOS if scenario.name == name)


def page(found: list[Count]) -> str:
    """The page of all counts, in Markdown."""
    error = 2 * (0.05 * 0.95 / answers()) ** 0.5
    parts = [HEAD.format(answers=answers(), fewer=round(FEWER * answers()), error=error).rstrip()]
    for kind, title in (
        (INTERVAL, "Intervals: the share that holds the truth"),
        (VERDICT, "Verdicts: false alarms"),
    ):
        parts.append(f"## {title}")
        for scenario in SCENARIOS:
            if scenario.kind == kind:
                level = f" ({scenario.level:.0%})" if kind == INTERVAL else ""
                parts.append(f"### {scenario.name[0].upper()}{scenario.name[1:]}{level}")
                parts.append(
                    markdown(scenario, (one for one in found if one.scenario == scenario.name))
                )
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.exit(main())
