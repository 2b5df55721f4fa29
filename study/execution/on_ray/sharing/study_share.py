"""A study's share of a cluster, on its driver's side: what it may start, and what makes way."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from study.execution.live_progress import ShareSeen
from study.execution.on_ray.sharing.messages import NotUnderstood, Part, Standing

EVERY_S = 1.0
"""How often a driver tells the broker where its study stands."""
_FIRST_WORD_S = 10.0
"""How long a broker's first word is waited for."""


class Connection(Protocol):
    """How a driver reaches the broker."""

    @property
    def is_new(self) -> bool: ...

    @property
    def is_waiting(self) -> bool: ...

    def ask(self, text: str) -> None: ...

    def answer(self) -> str | None: ...

    def leave(self, text: str) -> None: ...


@dataclass(frozen=True)
class Need:
    """What a study has of the cluster at a moment, and what it could use."""

    share: float
    held: Mapping[str, int]
    """How many workers of trials run that shall go on, by the id of their trial's node."""
    wanted: int
    """How many could run at once."""
    asks: int = 0
    """For how many the cluster shall grow; none where it is as large as it gets."""


class WholeCluster:
    """The share of a study that has all to itself, a Ray of its own."""

    seen: ShareSeen | None = None

    def may_start(self, in_flight: int) -> bool:
        """Whether another attempt may start beside those that there are."""
        return True

    @property
    def gives_back(self) -> bool:
        """Whether workers without a trial are to be ended, for others wait for their room."""
        return False

    def is_due(self) -> bool:
        """Whether it is time to tell the broker."""
        return False

    def tell(self, need: Need) -> None:
        """Tell the broker where the study stands."""

    def makes_way(self, node: str) -> bool:
        """Whether the attempt on this node that has just finished an epoch is to be set aside."""
        return False

    def note_change(self) -> None:
        """Take notice that an attempt began, or ended."""

    def leave(self) -> None:
        """Tell the broker that the driver ends."""


class StudyShare(WholeCluster):
    """The share of a study on a cluster that others use too.

    What the broker has said last holds until it says something else; where it is never heard, the
    study takes what it finds.
    """

    def __init__(
        self,
        study: str,
        needs: Mapping[str, float],
        connection: Connection,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._id = uuid.uuid4().hex
        self._study = study
        self._needs = dict(needs)
        self._connection = connection
        self._clock = clock
        self._began = clock()
        self._has_heard = False
        self._told_at = float("-inf")
        self._told: Need | None = None
        self._part = Part()
        self._leave: Counter[str] = Counter()
        """On which nodes how many trials are still to make way."""
        self._is_outdated = False
        """Whether attempts began or ended since the broker was told."""
        self._waits_since: float | None = None

    def may_start(self, in_flight: int) -> bool:
        """Whether another attempt may start beside those that there are; before the first word of a
        broker that others have come to already a single one may.
        """
        if self._waits_for_first_word:
            return in_flight < 1
        return self._part.most is None or in_flight < self._part.most

    @property
    def _waits_for_first_word(self) -> bool:
        if self._has_heard or self._connection.is_new:
            return False
        return self._clock() - self._began < _FIRST_WORD_S

    @property
    def gives_back(self) -> bool:
        """Whether workers without a trial are to be ended, for others wait for their room."""
        return self._part.others_wait

    def is_due(self) -> bool:
        """Whether it is time to tell the broker; hears what it has said meanwhile."""
        self._hear()
        return self._clock() - self._told_at >= EVERY_S and not self._connection.is_waiting

    def tell(self, need: Need) -> None:
        """Tell the broker where the study stands."""
        now = self._clock()
        self._told_at = now
        self._told = need
        self._is_outdated = False
        holds = sum(need.held.values())
        if need.wanted <= holds:
            self._waits_since = None
        elif self._waits_since is None:
            self._waits_since = now
        self._connection.ask(self._standing(need).text())

    def makes_way(self, node: str) -> bool:
        """Whether the attempt on this node that has just finished an epoch is to be set aside."""
        if self._leave[node] < 1:
            return False
        self._leave[node] -= 1
        self._is_outdated = True
        return True

    def note_change(self) -> None:
        """Take notice that an attempt began, or ended: what was to make way is asked anew."""
        self._leave.clear()
        self._is_outdated = True

    def leave(self) -> None:
        """Tell the broker that the driver ends."""
        if self._told:
            self._connection.leave(self._standing(self._told, leaves=True).text())

    @property
    def seen(self) -> ShareSeen | None:  # type: ignore[override]
        """The share as others are shown it; None before the first word with the broker."""
        need = self._told
        if need is None:
            return None
        waited_s = None if self._waits_since is None else self._clock() - self._waits_since
        return ShareSeen(
            share=need.share,
            holds=sum(need.held.values()),
            wants=need.wanted,
            part=self._part.most,
            waits_since=None if waited_s is None else round(time.time() - waited_s),
        )

    def _standing(self, need: Need, *, leaves: bool = False) -> Standing:
        waits_s = None if self._waits_since is None else self._clock() - self._waits_since
        return Standing(
            id=self._id,
            study=self._study,
            share=need.share,
            needs=self._needs,
            wanted=need.wanted,
            held=need.held,
            asks=need.asks,
            waits_s=waits_s,
            leaves=leaves,
        )

    def _hear(self) -> None:
        """Take what the broker has said, if anything; who is to make way only where nothing has
        changed since it was asked.
        """
        text = self._connection.answer()
        if text is None:
            return
        self._has_heard = True
        try:
            self._part = Part.of_text(text)
        except NotUnderstood:
            return  # the study goes on with what it had
        self._leave = Counter() if self._is_outdated else Counter(self._part.leave)
