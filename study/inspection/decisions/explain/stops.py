"""Why a trial was stopped: the rule, its rivals, its place, and what would have been enough."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from study.inspection.decisions.explain.journal_walk import JournalWalk, Judgment
from study.inspection.decisions.explain.words import (
    and_more,
    list_text,
    number_text,
    ordinal,
    values_text,
)
from study.inspection.format import aligned_lines, count_text
from study.journal.events import TrialStopped
from study.journal.trials import Trial
from study.sampling.stop_rules import Values
from study.spec.pruners import PrunerChoice
from study.spec.sections import Objective

_MOST_RIVALS = 20
"""How many rivals a reader is shown; programs get all."""


@dataclass(frozen=True)
class StopExplanation:
    """A stop by the pruner, or that it has a trial wait, with all that its decision rests on."""

    trial: int
    point: int
    pruner: PrunerChoice
    objectives: tuple[Objective, ...]
    judgment: Judgment
    waits: bool = False
    """Whether the trial isn't stopped yet, but waits to be promoted."""

    @property
    def agrees(self) -> bool:
        """Whether the figures lead to the decision that the journal holds."""
        return self.judgment.comparison.stops

    def tree(self) -> dict[str, Any]:
        """Return the explanation as plain data, for JSON."""
        judgment, comparison = self.judgment, self.judgment.comparison
        rivals = [
            {"trial": rival.trial, "value": _plain(rival.values)} for rival in judgment.rivals
        ]
        return {
            "kind": "wait" if self.waits else "stop",
            "trial": self.trial,
            "point": self.point,
            "rule": self.pruner.name,
            "options": self.pruner.options,
            "objectives": [
                {"metric": each.metric, "direction": each.direction} for each in self.objectives
            ],
            "epoch": judgment.epoch,
            "bracket": judgment.bracket,
            "rung": judgment.rung,
            "value": _plain(comparison.value),
            "rivals": rivals,
            "rank": comparison.rank,
            "places": comparison.places,
            "needed": None if comparison.needed is None else _plain(comparison.needed),
            "agrees": self.agrees,
            "text": self.sentence(),
        }

    # --- in words ---

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> list[str]:
        """Return the explanation as lines for a reader: sentences, then the rivals, best first."""
        rivals = self.judgment.rivals
        if not rivals:
            return [self.sentence()]
        heading = f"Compared with {count_text(len(rivals), 'trial')} at epoch {self.judgment.epoch}"
        order = ", best first:" if len(self.objectives) == 1 else ":"
        rows = self._rival_rows()
        shown = [f"  {line}" for line in aligned_lines(rows[:_MOST_RIVALS])]
        return [self.sentence(), "", heading + order, *shown, *and_more(len(rows), _MOST_RIVALS)]

    def sentence(self) -> str:
        """Return the explanation as a few sentences."""
        texts = [self._beginning(), self._comparison_text(), self._enough_text()]
        if not self.agrees and not self.waits:
            texts.append(
                "By these figures it would have gone on: another version of the program, or of"
                " Optuna, decided then."
            )
        return " ".join(text for text in texts if text)

    def _beginning(self) -> str:
        judgment = self.judgment
        where = ""
        if judgment.rung is not None:
            where = f", at rung {judgment.rung}"
        if judgment.bracket is not None:
            where += f" of bracket {judgment.bracket}"
        name = self.pruner.name
        if self.waits:
            return f"Trial {self.trial} waits after epoch {judgment.epoch} by {name}{where}."
        if self.pruner.promotes:
            return (
                f"Trial {self.trial} was set aside after epoch {judgment.epoch} by {name}{where},"
                " and never promoted."
            )
        return f"Trial {self.trial} was stopped after epoch {judgment.epoch} by {name}{where}."

    def _comparison_text(self) -> str:
        if self.pruner.name == "patient":
            return self._patience_text()
        if len(self.objectives) == 1 and self.pruner.name in ("median", "percentile"):
            return self._percentile_text()
        return self._places_text()

    def _places_text(self) -> str:
        comparison = self.judgment.comparison
        competing = len(self.judgment.rivals) + 1
        places = "only the best goes on"
        if not comparison.places:
            places = "nobody goes on from there"
        elif comparison.places != 1:
            places = f"the best {comparison.places} go on"
        own = values_text(self.objectives, comparison.value)
        how = ""
        if len(self.objectives) > 1:
            how = ", counted by non-dominated fronts and within a front by how rare they are"
        return f"With {own} it came {ordinal(comparison.rank or 0)} of {competing}{how}; {places}."

    def _percentile_text(self) -> str:
        comparison = self.judgment.comparison
        metric = self.objectives[0].metric
        bar = "the median"
        if self.pruner.name == "percentile":
            share = self.pruner.options["percentile"]
            bar = f"what the best {number_text(share)} % reached"
        trials = count_text(len(self.judgment.rivals), "trial")
        if comparison.needed is None:
            return f"Its best {metric} so far was {number_text(comparison.value[0])}."
        return (
            f"Its best {metric} so far, {number_text(comparison.value[0])}, was worse than {bar}"
            f" of the {trials} that it was compared with at this epoch,"
            f" {number_text(comparison.needed[0])}."
        )

    def _patience_text(self) -> str:
        comparison = self.judgment.comparison
        options = self.pruner.options
        metric = self.objectives[0].metric
        before = ""
        if comparison.needed is not None:
            sign = self.objectives[0].sign
            best = comparison.needed[0] + sign * options["min_delta"]
            before = f", and before them it was {number_text(best)}"
        spare = ""
        if options["min_delta"]:
            spare = f" (what differs by {number_text(options['min_delta'])} is borne)"
        return (
            f"The best {metric} of its last {count_text(options['patience'] + 1, 'epoch')} was"
            f" {number_text(comparison.value[0])}{before}{spare}."
        )

    def _enough_text(self) -> str:
        needed = self.judgment.comparison.needed
        if needed is None or not self.agrees:
            return ""
        whose = [rival.trial for rival in self.judgment.rivals if rival.values == needed]
        trials = "trial" if len(whose) == 1 else "trials"
        reached = f", as {trials} {list_text(whose)} had," if whose else ""
        return f"{values_text(self.objectives, needed)}{reached} would have been enough."

    def _rival_rows(self) -> list[dict[str, Any]]:
        rivals = list(self.judgment.rivals)
        if len(self.objectives) == 1:
            sign = self.objectives[0].sign
            rivals.sort(key=lambda rival: -sign * rival.values[0])
        return [{"trial": rival.trial, **self._figures(rival.values)} for rival in rivals]

    def _figures(self, values: Values) -> dict[str, str]:
        named = zip(self.objectives, values, strict=True)
        return {objective.metric: number_text(value) for objective, value in named}


def explain_stops(
    walk: JournalWalk, only: Collection[int] | None = None
) -> dict[int, StopExplanation]:
    """Explain, by trial, each stop by the pruner that the journal holds, or those of some trials.

    Of a trial that was reopened and stopped once more it is the last one.
    """
    found: dict[int, StopExplanation] = {}
    for event in walk.events():
        if not isinstance(event, TrialStopped) or event.by != "pruner":
            continue
        if only is not None and event.trial not in only:
            continue
        trial = walk.history.trials[event.trial]
        is_known = 1 <= event.epoch <= trial.epochs
        judgment = walk.judge(trial, event.epoch) if is_known else None
        if judgment is not None:
            found[event.trial] = _explanation(walk, trial, judgment)
    return found


def explain_wait(walk: JournalWalk, number: int) -> StopExplanation | None:
    """Explain where a trial stands that waits to be promoted; None where it doesn't wait."""
    for _ in walk.events():
        pass
    trial = walk.history.trials[number]
    judgment = walk.judge(trial, trial.epochs) if trial.waits else None
    return replace(_explanation(walk, trial, judgment), waits=True) if judgment else None


def _explanation(walk: JournalWalk, trial: Trial, judgment: Judgment) -> StopExplanation:
    spec = walk.spec
    return StopExplanation(trial.number, trial.point, spec.pruner, spec.objectives, judgment)


def _plain(values: Values) -> float | list[float]:
    return values[0] if len(values) == 1 else list(values)
