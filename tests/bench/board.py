"""What the measurements found, side by side with what was aimed at."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from study.execution.provenance import processor


@dataclass(frozen=True)
class Line:
    """One measurement; without a goal it is there to be seen."""

    what: str
    measured: str
    goal: str = ""
    ratio: str = ""
    met: str = ""


@dataclass
class Board:
    """The lines of one run of the measurements."""

    lines: list[Line] = field(default_factory=list)

    def at_most(self, what: str, measured: float, goal: float, unit: str) -> None:
        self._compare(what, measured, goal, f"≤ {figure(goal)} {unit}", unit, measured <= goal)

    def at_least(self, what: str, measured: float, goal: float, unit: str) -> None:
        self._compare(what, measured, goal, f"≥ {figure(goal)} {unit}", unit, measured >= goal)

    def shown(self, what: str, measured: str) -> None:
        self.lines.append(Line(what, measured))

    def _compare(
        self, what: str, measured: float, goal: float, shown_goal: str, unit: str, met: bool
    ) -> None:
        ratio = f"{measured / goal:.2f}"
        self.lines.append(
            Line(what, f"{figure(measured)} {unit}", shown_goal, ratio, "met" if met else "not met")
        )

    def table(self) -> list[str]:
        """As Markdown, the machine first."""
        head = f"Measured on {os.cpu_count()} processors of {processor() or 'an unnamed kind'}"
        rows = [("what", "goal", "measured", "measured / goal", ""), ("---",) * 5]
        rows += [(line.what, line.goal, line.measured, line.ratio, line.met) for line in self.lines]
        return [
            f"{head}, load {os.getloadavg()[1]:.1f} from all that ran:",
            "",
            *(f"| {' | '.join(r)} |" for r in rows),
        ]


def figure(value: float) -> str:
    """Three significant digits, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
