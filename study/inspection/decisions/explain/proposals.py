"""Why a point was proposed: by whom, from what, how good it was expected to be, and how new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from study.inspection.decisions.explain.novelty import Neighbor, Params, nearest
from study.inspection.decisions.explain.words import value_text
from study.inspection.format import count_text
from study.journal.history import History
from study.journal.proposal_note import checked_note
from study.journal.trials import Point
from study.spec.samplers import START_SIZES
from study.spec.spec import StudySpec

_REDRAWN = {
    "memory": "because it was not expected to fit in memory",
    "require": "because it broke a rule of `require:`",
}


@dataclass(frozen=True)
class ProposalExplanation:
    """How a point came to be proposed. None stands for what is not on record."""

    point: int
    values: dict[str, Any]
    by: str | None
    """first, user, grid, qmc, spread, random or model."""
    sampler: str
    entry: int | None
    """Which one of the list ``first:`` it is."""
    learned_from: int | None
    expected: float | None
    among: int | None
    neighbor: Neighbor | None
    """The nearest of the points before; None where there is none in the search space."""
    redrawn: tuple[str, ...] | None

    def tree(self) -> dict[str, Any]:
        """Return the explanation as plain data, for JSON."""
        redrawn = None
        if self.redrawn is not None:
            redrawn = [{"why": why} for why in self.redrawn]
        return {
            "kind": "proposal",
            "point": self.point,
            "values": self.values,
            "by": self.by,
            "sampler": self.sampler,
            "learned_from": self.learned_from,
            "expected": self.expected,
            "among": self.among,
            "novelty": self.neighbor and round(self.neighbor.distance, 4),
            "nearest": self.neighbor and self.neighbor.point,
            "redrawn": redrawn,
            "text": self.sentence(),
        }

    # --- in words ---

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return the explanation as lines for a reader: sentences, then the values."""
        values = [f"  {path} = {value_text(value)}" for path, value in self.values.items()]
        return [self.sentence(), "", *values]

    def sentence(self) -> str:
        """Return the explanation as a few sentences."""
        texts = [self._origin_text(), self._chance_text(), self._redrawn_text()]
        texts.append(self._novelty_text())
        return " ".join(text for text in texts if text)

    def _origin_text(self) -> str:
        point = f"Point {self.point}"
        origins = {
            "first": f"{point} is first[{self.entry}] of the study file.",
            "user": f"{point} was added by the user.",
            "grid": f"{point} is the next one of the grid.",
            "qmc": f"{point} is the next one of a quasi-random sequence (qmc).",
            "spread": f"{point} is one of those with which {self.sampler} begins, spread evenly"
            " over the space.",
            "random": f"{point} was drawn at random{self._why_random()}.",
            "model": f"{point} was proposed by {self.sampler}'s model, {self._learned_text()}.",
        }
        unknown = f"{point} was proposed by {self.sampler}; the journal doesn't say from what."
        return origins.get(self.by or "", unknown)

    def _why_random(self) -> str:
        if self.sampler == "random":
            return ""
        if self.redrawn:
            return f", as what {self.sampler} itself proposed was turned down"
        return f", as {self.sampler} knew too few results to learn from"

    def _learned_text(self) -> str:
        return f"which had learned from {count_text(self.learned_from or 0, 'point')}"

    def _chance_text(self) -> str:
        if self.expected is None:
            return ""
        best = "the best" if self.among == 1 else f"the best {self.among}"
        chance = f"{100 * self.expected:.3g} %"
        return f"It gave this one a chance of {chance} to belong with {best} of them."

    def _redrawn_text(self) -> str:
        if not self.redrawn:
            return ""
        texts = []
        for why, reason in _REDRAWN.items():
            count = self.redrawn.count(why)
            if count:
                was = "was" if count == 1 else "were"
                texts.append(f"{count_text(count, 'draw')} before it {was} turned down, {reason}")
        return f"{'; '.join(texts)}."

    def _novelty_text(self) -> str:
        if self.neighbor is None:
            return ""
        if self.neighbor.distance == 0:
            return f"It is the same as point {self.neighbor.point}."
        return (
            f"The nearest point before it is {self.neighbor.point}, at a distance of"
            f" {self.neighbor.distance:.2g} (0: the same, 1: as far as can be)."
        )


class Proposals:
    """The proposals of a study, each explained from the points before it."""

    def __init__(self, history: History, spec: StudySpec) -> None:
        self._history = history
        self._spec = spec
        self._params: list[Params | None] = []
        """By Optuna's names, of the points that were asked about and all before; None for one
        outside the space.
        """

    def explain(self, number: int) -> ProposalExplanation:
        """Explain how a point came to be proposed."""
        point = self._history.points[number]
        note = checked_note(point.note)
        redrawn = tuple(note.get("redrawn", ())) if point.note is not None else None
        return ProposalExplanation(
            point=number,
            values=dict(point.values),
            by=_proposer_of(point, self._history, self._spec),
            sampler=self._spec.sampler.name,
            entry=point.entry,
            learned_from=note.get("learned_from"),
            expected=note.get("expected"),
            among=note.get("among"),
            neighbor=self._nearest_before(number),
            redrawn=redrawn,
        )

    def _nearest_before(self, number: int) -> Neighbor | None:
        params = self._params_of(number)
        if params is None:
            return None
        others: list[tuple[int, Params]] = []
        for other in range(number):
            other_params = self._params_of(other)
            if other_params is not None:
                others.append((other, other_params))
        return nearest(self._spec.space, params, others)

    def _params_of(self, number: int) -> Params | None:
        while len(self._params) <= number:
            point = self._history.points[len(self._params)]
            inside = self._spec.space.params_of(point.values) if point.is_in_space else None
            self._params.append(inside)
        return self._params[number]


def _proposer_of(point: Point, history: History, spec: StudySpec) -> str | None:
    """Who proposed a point; None where that isn't known."""
    if point.origin != "sampler":
        return point.origin
    if point.note is not None:
        return checked_note(point.note).get("by")
    # an older journal: there was nothing to learn from yet, or ever
    name = spec.sampler.name
    if name in ("random", "qmc"):
        return name
    start = spec.sampler.options.get("n_startup_trials", START_SIZES.get(name, 0))
    is_in_start = not history.warm_starts and point.number < start
    return "random" if is_in_start and not history.begins_spread else None
