"""A study's journal, event by event: what was known at the moment of a decision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from study.controller.stop_decisions import is_last_epoch
from study.files.layout import StudyPaths
from study.journal.event_codec import Event, Record
from study.journal.events import EpochReported, PointAsked, TrialEnded, event_of
from study.journal.history import History
from study.journal.outcomes import objective_values
from study.journal.spec_versions import version_file
from study.journal.trials import Trial
from study.sampling.arm import longest_training
from study.sampling.promotion.rules import PlaceRule
from study.sampling.pruning import make_promotion_rule
from study.sampling.stop_rules import Comparison, StopRule, Values, make_stop_rule
from study.spec.load import load_spec
from study.spec.spec import StudySpec


@dataclass(frozen=True)
class Rival:
    """A trial that another one was compared with, and its objectives at that epoch."""

    trial: int
    values: Values


@dataclass(frozen=True)
class Judgment:
    """A trial's comparison with its rivals at an epoch."""

    epoch: int
    bracket: int | None
    rung: int | None
    rivals: tuple[Rival, ...]
    comparison: Comparison


class JournalWalk:
    """Takes a study's events one by one, and compares its trials as the pruner did at that moment.

    ``history`` is what the events taken so far add up to.
    """

    def __init__(
        self, paths: StudyPaths, records: Sequence[Record], whole: History, spec: StudySpec
    ) -> None:
        self.history = History()
        self.spec = spec
        """The spec that the study runs by now."""
        self._paths = paths
        self._records = records
        self._last_version = whole.specs[-1].version if whole.specs else None
        self._whole_seeds = whole.whole_seeds
        self._by_number = bool(whole.reproducible)
        self._position = 0
        self._arms: dict[int, list[int]] = {}
        """The points of each arm, in the order of their numbers."""
        self._indices: dict[int, int] = {}
        """Each point's index in its arm."""
        self._reported_at: dict[tuple[int, int], int] = {}
        """By trial and epoch the place in the journal."""
        self._complete_since: dict[int, int] = {}
        """By trial the place in the journal where it was first COMPLETE."""
        self._rule_of_version = cache(self._make_rule)

    def events(self) -> Iterator[Event]:
        """Give each event before it takes effect."""
        for position, record in enumerate(self._records):
            event = event_of(record)
            self._position = position
            yield event
            self.history.apply(event)
            self._note(event)

    def _note(self, event: Event) -> None:
        match event:
            case EpochReported():
                self._reported_at[event.trial, event.epoch] = self._position
            case TrialEnded(state="COMPLETE"):
                self._complete_since.setdefault(event.trial, self._position)
            case PointAsked() if event.level is not None:
                arm = self._arms.setdefault(event.level, [])
                self._indices[event.point] = len(arm)
                arm.append(event.point)

    # --- comparing ---

    def judge(self, trial: Trial, epoch: int) -> Judgment | None:
        """Compare a trial at an epoch by what is known now; None where no pruner decides on it."""
        rule = self._rule()
        index = self._indices.get(trial.point)
        if rule is None or index is None or not self._is_judged(trial):
            return None
        if is_last_epoch(trial, epoch) or not rule.decides(index, epoch):
            return None
        moment = self._position
        if not self._by_number:
            moment = self._reported_at.get((trial.number, epoch), moment)
        shown = self._shown_rivals(rule, trial, index, epoch, moment)
        ended = len(shown) if self._by_number else self._complete_before(trial, moment)
        objectives = self.spec.objectives
        reports = [objective_values(trial, objectives, each) for each in range(1, epoch + 1)]
        rivals = tuple(
            Rival(other.number, objective_values(other, objectives, epoch)) for other in shown
        )
        comparison = rule.compare(reports, [rival.values for rival in rivals], ended)
        if not rule.has_rivals:
            rivals = ()
        return Judgment(epoch, rule.bracket(index), rule.rung(index, epoch), rivals, comparison)

    def _is_judged(self, trial: Trial) -> bool:
        return trial.kind == "search" and (trial.replicate == 0 or not self._whole_seeds)

    def _shown_rivals(
        self, rule: StopRule, trial: Trial, index: int, epoch: int, moment: int
    ) -> list[Trial]:
        """The trials that the pruner was shown at an epoch, in the order of their points."""
        if isinstance(rule, PlaceRule):
            return self._come_as_far(rule, trial, epoch)
        shown: list[Trial] = []
        for other_index, other in self._trials_beside(trial):
            reported_at = self._reported_at.get((other.number, epoch))
            if reported_at is None or reported_at >= moment or epoch > other.epochs:
                continue
            if self._by_number and other_index > index:
                continue
            if is_last_epoch(other, epoch) or rule.bracket(other_index) != rule.bracket(index):
                continue
            counts_when_complete = rule.compares_with_complete and not self._by_number
            if counts_when_complete and self._complete_since.get(other.number, moment) >= moment:
                continue
            shown.append(other)
        return shown

    def _come_as_far(self, rule: PlaceRule, trial: Trial, epoch: int) -> list[Trial]:
        """The trials that keep a place beside one that waits, whenever they have come there."""
        found: list[Trial] = []
        for _, other in self._trials_beside(trial):
            point = self.history.points[other.point]
            trials = point.trials.values()
            is_lost = point.state == "FAIL" or any(each.stopped_by == "user" for each in trials)
            if point.is_dropped or (is_lost and rule.rule.leaves_out_lost):
                continue
            if other.epochs >= epoch and not is_last_epoch(other, epoch):
                found.append(other)
        return found

    def _complete_before(self, trial: Trial, moment: int) -> int:
        """How many of the trials beside this one were COMPLETE."""
        beside = [other.number for _, other in self._trials_beside(trial)]
        return sum(self._complete_since.get(number, moment) < moment for number in beside)

    def _trials_beside(self, trial: Trial) -> Iterator[tuple[int, Trial]]:
        """The other trials among which the pruner decides, each with its index."""
        level = self.history.points[trial.point].level
        for index, number in enumerate(self._arms.get(-1 if level is None else level, ())):
            other = self.history.points[number].trials.get(trial.replicate)
            if other is not None and other is not trial:
                yield index, other

    # --- the rule of the moment ---

    def _rule(self) -> StopRule | None:
        version = self.history.specs[-1].version if self.history.specs else None
        return self._rule_of_version(version)

    def _make_rule(self, version: int | None) -> StopRule | None:
        spec = self._spec_of(version)
        promotes = make_promotion_rule(spec.pruner)
        if promotes is not None:
            return PlaceRule(float(spec.objectives[0].sign), promotes)
        return make_stop_rule(spec.pruner, spec.objectives, longest_training(spec))

    def _spec_of(self, version: int | None) -> StudySpec:
        """The spec of that time; the one of now where its file is there no more."""
        if version is None or version == self._last_version:
            return self.spec
        file = version_file(self._paths, self.history.specs[-1])
        return load_spec(file) if file else self.spec
