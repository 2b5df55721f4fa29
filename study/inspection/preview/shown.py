"""A study in figures, before it runs, and how that reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from search_spaces.values import as_param
from study.inspection.format import aligned_lines, bytes_text, count_text, seconds_text
from study.inspection.preview.points import PassingShare, PreviewPoint
from study.spec.parts.tariff import money_text

if TYPE_CHECKING:
    from study.inspection.cost_probe import Cost


@dataclass(frozen=True, repr=False)
class Preview:
    """A study in figures. Epochs, seconds and bytes are upper bounds: nothing is pruned, no length
    is cut short.
    """

    study: str
    question: str
    rows: list[dict[str, str]]
    """The space: path, values, when."""
    samples: list[PreviewPoint]
    """The study's first points, those of ``first:`` included, and others that it could propose."""
    known: int
    """How many of them are those that it will propose; results have a say in what follows."""
    branches: list[dict[str, Any]]
    """How often each branch is taken: path, branch, share."""
    points: int
    duplicates: int
    """How many points repeat another one."""
    duplicates_known: bool
    """Whether that is sure; else points that aren't known yet are taken to be drawn at random."""
    different: int | None
    """How many different points there are; None where they are very many, or endlessly many."""
    levels: int
    trials: int
    confirmations: int
    epochs: int | None
    """None where a recipe's length isn't in epochs."""
    expected_epochs: int | None
    """About how many of them are trained, where the pruner promotes trials."""
    concurrency: int
    disk_bytes: int
    disk_free_bytes: int | None
    """None where the storage is no folder of this machine."""
    notes: tuple[str, ...]
    require: tuple[str, ...] = ()
    """The rules that points keep."""
    passing: PassingShare | None = None
    """How many points keep them; None without rules."""
    costs: list[Cost] = field(default_factory=list)
    """What was measured, one a shape."""
    seconds: float | None = None
    """The whole study at its concurrency, from what was measured."""
    memory_bytes: int | None = None
    """The most that a shape takes."""
    money_hour: float | None = None
    """What an hour costs at the study's concurrency, by the highest price of a node; None without
    prices.
    """
    money: float | None = None
    """What the whole study costs at most, from what was measured."""
    currency: str | None = None
    workers: int = 1
    """How many processes train a trial together."""
    least_workers: int = 1
    """How many they may be where there is room for no more."""

    def tree(self) -> dict[str, Any]:
        """Return plain data, for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the preview as text, its parts with a line between them."""
        lines: list[str] = []
        for part in self._parts():
            if part:
                lines += [*part, ""]
        return lines[:-1]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    __repr__ = __str__

    def _parts(self) -> Iterator[list[str]]:
        yield [f"study {self.study}", *([self.question] if self.question else [])]
        yield self._space_lines()
        yield self._rule_lines()
        yield self._sample_lines()
        yield aligned_lines([{**row, "share": f"{row['share']:.0%}"} for row in self.branches])
        yield self._total_lines()
        yield aligned_lines([_cost_row(cost) for cost in self.costs])
        yield [f"note: {note}" for note in self.notes]

    def _space_lines(self) -> list[str]:
        return aligned_lines(
            [
                {"variable": row["path"], "values": row["values"], "when": row["when"]}
                for row in self.rows
            ]
        )

    def _rule_lines(self) -> list[str]:
        lines = [f"require: {rule}" for rule in self.require]
        if self.passing is not None:
            lines.append(f"require: {self.passing}")
        return lines

    def _sample_lines(self) -> list[str]:
        paths = list(dict.fromkeys(path for point in self.samples for path in point))
        if not paths:
            return []
        rows = [{path: _value_text(point, path) for path in paths} for point in self.samples]
        head, *lines = aligned_lines(rows)
        known, others = lines[: self.known], lines[self.known :]
        if not others:
            return [f"the first {count_text(len(known), 'point')}:", head, *known]
        following = f"{count_text(len(others), 'point')} as they could be, drawn at random:"
        if not known:
            return [following, head, *others]
        first = f"the first {count_text(len(known), 'point')}:"
        return [first, head, *known, f"then {following}", *others]

    def _total_lines(self) -> list[str]:
        lines = [self._points_line(), self._trials_line(), self._storage_line()]
        if self.seconds is not None:
            lines.append(f"time: at most about {seconds_text(self.seconds)} if nothing is pruned")
        if self.memory_bytes is not None:
            lines.append(f"memory: up to {bytes_text(self.memory_bytes)} a trial")
        if self.money_hour is not None:
            lines.append(self._money_line())
        return lines

    def _money_line(self) -> str:
        currency = self.currency or ""
        hourly = f"{money_text(self.money_hour or 0.0, currency)} an hour"
        if self.money is None:
            return f"money: at most {hourly}; --measure says about how many hours"
        return f"money: at most about {money_text(self.money, currency)} ({hourly})"

    def _points_line(self) -> str:
        levels = f", equally many for each of {self.levels} levels" if self.levels > 1 else ""
        return f"{count_text(self.points, 'point')}{levels}{self._repeats_text()}"

    def _repeats_text(self) -> str:
        """Say how many points would be trained twice: the same values with the same seeds."""
        if self.different is not None and self.points > self.different:
            repeats = self.points - self.different
            return f"; there are only {self.different} different ones: {repeats} repeat others"
        if not self.duplicates:
            return ""
        if self.duplicates_known:
            return f"; {self.duplicates} of them repeat others"
        return f"; about {self.duplicates} of them would repeat others, were they drawn at random"

    def _trials_line(self) -> str:
        confirmed = f" and {self.confirmations} to confirm" if self.confirmations else ""
        epochs = "an unknown number of" if self.epochs is None else f"at most {self.epochs:,}"
        if self.expected_epochs is not None:
            epochs = f"about {self.expected_epochs:,} of {epochs}"
        trials = count_text(self.trials, "trial")
        at_once = f"{self.concurrency} at once{self._workers_text()}"
        return f"{trials}{confirmed}, {at_once}, {epochs} epochs"

    def _workers_text(self) -> str:
        if self.workers == 1:
            return ""
        fewer = "" if self.least_workers == self.workers else f"{self.least_workers} to "
        return f", each of {fewer}{self.workers} workers"

    def _storage_line(self) -> str:
        free = ""
        if self.disk_free_bytes is not None:
            free = f", {bytes_text(self.disk_free_bytes)} are free"
        return f"storage: about {bytes_text(self.disk_bytes)}{free}"


def _value_text(point: PreviewPoint, path: str) -> str:
    if path not in point:
        return "-"
    value = as_param(point[path])
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _cost_row(cost: Cost) -> dict[str, str]:
    """Return a row of the table of costs, with a failure's class where there are none."""
    if cost.epoch_seconds is None or cost.memory_bytes is None:
        return {"shape": cost.shape, "an epoch": cost.failure.partition(":")[0], "memory": "-"}
    return {
        "shape": cost.shape,
        "an epoch": f"{cost.epoch_seconds:.3g} s",
        "memory": bytes_text(cost.memory_bytes),
    }
