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
    before: str = ""
    """What the same measured, in the same run, with the code of an earlier commit."""


@dataclass
class Board:
    """The lines of one run of the measurements."""

    lines: list[Line] = field(default_factory=list)

    commit: str = ""
    """The earlier commit that some lines are measured at, too."""

    def at_most(
        self, what: str, measured: float, goal: float, unit: str, before: float | None = None
    ) -> None:
        self._compare(what, measured, goal, ("≤", unit), measured <= goal, before)

    def at_least(
        self, what: str, measured: float, goal: float, unit: str, before: float | None = None
    ) -> None:
        self._compare(what, measured, goal, ("≥", unit), measured >= goal, before)

    def shown(self, what: str, measured: str, before: str = "") -> None:
        self._add(Line(what, measured, before=before))

    def _compare(
        self,
        what: str,
        measured: float,
        goal: float,
        sign_and_unit: tuple[str, str],
        met: bool,
        before: float | None,
    ) -> None:
        sign, unit = sign_and_unit
        line = Line(
            what,
            f"{figure(measured)} {unit}",
            f"{sign} {figure(goal)} {unit}",
            f"{measured / goal:.2f}",
            "met" if met else "not met",
            "" if before is None else f"{figure(before)} {unit}",
        )
        self._add(line)

    def _add(self, line: Line) -> None:
        """Keep a line for the table, and tell it at once: measuring takes long, and may be broken off."""
        self.lines.append(line)
        before = f", {line.before} at {self.commit}" if line.before else ""
        goal = f" (goal {line.goal}: {line.met})" if line.goal else ""
        print(f"{line.what}: {line.measured}{before}{goal}", flush=True)

    def table(self) -> list[str]:
        """As Markdown, the machine first."""
        head = f"Measured on {os.cpu_count()} processors of {processor() or 'an unnamed kind'}"
        rows = [("what", "goal", "measured", "measured / goal", ""), ("---",) * 5]
        rows += [(line.what, line.goal, line.measured, line.ratio, line.met) for line in self.lines]
        if self.commit:
            columns = [f"at {self.commit}", "---", *(line.before for line in self.lines)]
            rows = [(*row[:2], at, *row[2:]) for row, at in zip(rows, columns, strict=True)]
        told = [
            f"{head}, load {os.getloadavg()[1]:.1f} from all that ran:",
            "",
            *(f"| {' | '.join(r)} |" for r in rows),
        ]
        if self.commit:
            told += ["", f"Blank at {self.commit}: not measured there, or not to be done by it."]
        return told


def figure(value: float) -> str:
    """Three significant digits, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
