"""What a notice says: what a person would want to read first, and the same as data."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.files.layout import StudyPaths
from study.files.visible_text import visible
from study.journal.history import History
from study.journal.ranking import best_point
from study.journal.trials import Point
from study.results.bill import bill_of
from study.spec.parts.tariff import money_text

if TYPE_CHECKING:
    from study.spec.parts.notices import Occasion
    from study.spec.spec import StudySpec

_LONGEST_REASON = 600


@dataclass(frozen=True)
class Message:
    """One notice."""

    occasion: Occasion
    key: str
    """By which it is recorded that it was sent."""
    title: str
    lines: tuple[str, ...]
    facts: dict[str, Any]
    """Plain data of what the lines say."""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def document(self) -> dict[str, Any]:
        """Return all of it as plain data, for programs."""
        own = {"version": 1, "id": f"{self.facts['study']} {self.key}", "occasion": self.occasion}
        return own | {"title": self.title, "text": self.text} | self.facts

    def json(self) -> str:
        return json.dumps(self.document(), ensure_ascii=False)


class Messages:
    """Writes the notices of one study."""

    def __init__(self, paths: StudyPaths) -> None:
        self._paths = paths

    def of_end(self, history: History, spec: StudySpec, occasion: Occasion, why: str) -> Message:
        """Return what is told when a session is over; ``why`` is its fault or the spent budget."""
        name = self._paths.name
        best = _best(history, spec)
        said = {"end": "is complete", "interruption": "was interrupted", "fault": "can't go on"}
        title = f"study {name} {said.get(occasion, occasion)}"
        if best is not None and occasion == "end":
            title += f": {_value_text(best, spec)} at point {best.number}"
        elif why:
            title += f": {why.splitlines()[0][:120]}"
        lines = [visible(line) for line in why[:_LONGEST_REASON].splitlines()] if why else []
        following = "report" if occasion == "end" else "resume"
        lines += [*self._lines(history, spec, best), f"next    {self._paths.command(following)}"]
        facts = self._facts(history, spec, best) | {"reason": why or None}
        key = f"{occasion} {len(history.sessions)}"
        return Message(occasion, key, visible(title), tuple(lines), facts)

    def of_best(self, history: History, spec: StudySpec, best: Point) -> Message:
        """Return what is told of a point that is better than all before."""
        title = f"study {self._paths.name}: {_value_text(best, spec)} at point {best.number}"
        lines = self._lines(history, spec, best)
        facts = self._facts(history, spec, best)
        return Message("best", f"best {best.number}", visible(title), tuple(lines), facts)

    def _lines(self, history: History, spec: StudySpec, best: Point | None) -> list[str]:
        states = Counter(point.state for point in history.points if not point.is_dropped)
        counts = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        lines = [f"points  {len(history.points)} of {spec.points}: {counts or 'none'}"]
        if best is not None:
            settings = " ".join(f"{path}={_short(value)}" for path, value in best.values.items())
            lines.append(f"best    {_value_text(best, spec)} at point {best.number}: {settings}")
        bill = bill_of(history)
        if bill is not None:
            lost = f", {money_text(bill.lost, bill.currency)} of it lost" if bill.lost else ""
            lines.append(f"money   {money_text(bill.money, bill.currency)}{lost}")
        lines.append(f"folder  {self._paths.folder}")
        return [visible(line) for line in lines]

    def _facts(self, history: History, spec: StudySpec, best: Point | None) -> dict[str, Any]:
        bill = bill_of(history)
        states = Counter(point.state for point in history.points if not point.is_dropped)
        return {
            "study": self._paths.name,
            "folder": str(self._paths.folder),
            "time": round(time.time(), 3),
            "points": len(history.points),
            "of": spec.points,
            "states": dict(sorted(states.items())),
            "objective": spec.objectives[0].metric,
            "best": best.first_value if best else None,
            "best_point": best.number if best else None,
            "best_values": dict(best.values) if best else {},
            "money": bill.money if bill else None,
            "currency": (bill.currency or None) if bill else None,
        }


def _best(history: History, spec: StudySpec) -> Point | None:
    return best_point(history.points, spec, whole_seeds=history.whole_seeds)


def _value_text(point: Point, spec: StudySpec) -> str:
    return f"{spec.objectives[0].metric} {point.first_value:.4g}"


def _short(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
