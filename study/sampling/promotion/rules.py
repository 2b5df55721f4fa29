"""Rules by which a pruner promotes: each trial waits after a few epochs, and the best go on.

A rule looks at how an arm's contenders stand, the first trials of its points, and says which of
those that wait goes on, and how far. It remembers nothing: asked again with the same standings it
says the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from study.sampling.promotion.standings import Contender, Standings
from study.sampling.stop_rules import Comparison, Values


@dataclass(frozen=True)
class Promotion:
    """A trial that waits goes on, until it waits again or, with None, to its end."""

    point: int
    until: int | None


class PromotionRule(Protocol):
    """Which of the trials that wait goes on."""

    grows: ClassVar[bool]
    """Whether there is a rung from which nobody goes on, be it as good as it may."""

    looks_before_all_are_asked: ClassVar[bool]
    """Whether it may promote while points are left to be asked."""
    leaves_out_lost: ClassVar[bool]
    """Whether those that failed, or that the user stopped, keep no place among the best."""

    def next_until(self, epochs: int, length: int | None) -> int | None:
        """The epoch at which a trial waits next that has done ``epochs`` of its ``length``; None
        where it goes on to its end.
        """
        ...

    def promotions(self, standings: Standings, *, is_all_asked: bool) -> Iterator[Promotion]:
        """Give the promotions that are due, the first one to be carried out first.

        ``is_all_asked`` says that the study asks for no further point.
        """
        ...

    def places(self, competing: int) -> int:
        """How many of so many that have come to a rung go on."""
        ...

    def expected(self, points: int, length: int) -> tuple[int, int]:
        """About how many epochs the first trials of so many points take, of this length, and how
        many of them come to their end.
        """
        ...


def last_resort(standings: Standings) -> Promotion | None:
    """The promotion without which none of the contenders would ever come to its end, nothing else
    being left to do: that of the best of those which have come farthest.
    """
    contenders = standings.contenders.values()
    if any(contender.is_complete for contender in contenders):
        return None
    waiting = [contender for contender in contenders if contender.waits]
    farthest = max((contender.epochs for contender in waiting), default=0)
    for best in ranked([each for each in waiting if each.epochs == farthest], farthest):
        return Promotion(best.point, None)
    return None


def ranked(contenders: Iterable[Contender], epoch: int) -> list[Contender]:
    """Order by how good they were after an epoch, the best first and of equals the lower number;
    those that were NaN are left out.
    """
    merits = [(contender.merit(epoch), contender) for contender in contenders]
    numbers = [(-merit, contender.point, contender) for merit, contender in merits]
    known = [each for each in numbers if not math.isnan(each[0])]
    return [contender for _, _, contender in sorted(known, key=lambda each: each[:2])]


@dataclass(frozen=True)
class HalvingPromotion:
    """asha with promotion: of those that have come to a rung, one in ``reduction`` goes on.

    Rungs are ``first`` epochs, ``reduction`` times as many, and so on; all lie before a trial's
    end. Those who compete at a rung are all that have ever come there, whatever became of them.
    """

    grows: ClassVar[bool] = False
    looks_before_all_are_asked: ClassVar[bool] = True
    leaves_out_lost: ClassVar[bool] = False

    first: int
    reduction: int

    def next_until(self, epochs: int, length: int | None) -> int | None:
        rung = self.first
        while rung <= epochs:
            rung *= self.reduction
        return rung if length is None or rung < length else None

    def promotions(self, standings: Standings, *, is_all_asked: bool) -> Iterator[Promotion]:
        for rung in reversed(standings.rungs()):
            for contender in rung.waiting_among_best(self.places(len(rung.members))):
                yield Promotion(contender.point, self.next_until(rung.epoch, contender.length))

    def places(self, competing: int) -> int:
        return competing // self.reduction

    def expected(self, points: int, length: int) -> tuple[int, int]:
        epochs, count, done = 0, points, 0
        until = self.next_until(0, length)
        while until is not None:
            epochs += count * (until - done)
            count, done = max(1, self.places(count)), until
            until = self.next_until(done, length)
        return epochs + count * (length - done), count


@dataclass(frozen=True)
class FirstEpochsRule:
    """first-epochs: once all points have trained ``epochs`` epochs, the best ``keep`` go on.

    Where one of them fails, the next best takes its place.
    """

    grows: ClassVar[bool] = False
    looks_before_all_are_asked: ClassVar[bool] = False
    leaves_out_lost: ClassVar[bool] = True

    epochs: int
    keep: int

    def next_until(self, epochs: int, length: int | None) -> int | None:
        is_before = epochs < self.epochs and (length is None or self.epochs < length)
        return self.epochs if is_before else None

    def promotions(self, standings: Standings, *, is_all_asked: bool) -> Iterator[Promotion]:
        if not is_all_asked or any(map(self._is_awaited, standings.contenders.values())):
            return
        there = standings.rung(self.epochs).members.values()
        left = [contender for contender in there if not contender.is_lost]
        for contender in ranked(left, self.epochs)[: self.keep]:
            if contender.waits:
                yield Promotion(contender.point, None)

    def places(self, competing: int) -> int:
        return self.keep

    def expected(self, points: int, length: int) -> tuple[int, int]:
        first = self.next_until(0, length)
        if first is None:
            return points * length, points
        kept = min(points, self.keep)
        return points * first + kept * (length - first), kept

    def _is_awaited(self, contender: Contender) -> bool:
        """Whether a trial has still to show what it is worth."""
        is_over = contender.is_lost or contender.is_complete
        return contender.until == self.epochs and contender.epochs < self.epochs and not is_over


@dataclass(frozen=True)
class PlaceRule:
    """Where a trial that waits stands at its rung, for whoever asks why it never went on."""

    has_rivals: ClassVar[bool] = True
    compares_with_complete: ClassVar[bool] = False

    sign: float
    rule: PromotionRule

    def decides(self, index: int, epoch: int) -> bool:
        return self.rung(index, epoch) is not None

    def bracket(self, index: int) -> int | None:
        return None

    def rung(self, index: int, epoch: int) -> int | None:
        rung, until = 0, self.rule.next_until(0, None)
        while until is not None and until < epoch:
            rung, until = rung + 1, self.rule.next_until(until, None)
        return rung if until == epoch else None

    def compare(
        self, reports: Sequence[Values], rivals: Sequence[Values], ended: int
    ) -> Comparison:
        own = self.sign * reports[-1][0]
        merits = sorted((self.sign * rival[0] for rival in rivals), reverse=True)
        known = [merit for merit in merits if not math.isnan(merit)]
        before = len(known) if math.isnan(own) else sum(merit > own for merit in known)
        equal = sum(merit == own for merit in known)
        places = self.rule.places(len(rivals) + 1)
        if self.rule.grows and not math.isnan(own) and before + equal < places:
            return Comparison(reports[-1], True, before + 1, 0, None)
        stays = math.isnan(own) or before + equal >= places
        needed = (self.sign * known[places - 1],) if stays and 0 < places <= len(known) else None
        return Comparison(reports[-1], stays, before + 1, places, needed)
