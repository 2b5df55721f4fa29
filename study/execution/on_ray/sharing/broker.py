"""The broker: divides a cluster among the studies whose drivers come to it.

It knows what drivers have said within the last seconds, and whose turn it is where not all find
room at once. Nothing of that has to be kept: whoever notices that it is gone makes another one,
which the drivers tell all over again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from study.execution.on_ray.sharing.division import (
    Claim,
    Nodes,
    Parts,
    divide,
    dominant_part,
    has_room_beside,
)
from study.execution.on_ray.sharing.messages import VERSION, NotUnderstood, Part, Standing

SILENT_S = 15.0
"""A driver that has not been heard for so long is taken for gone."""
_HORIZON_S = 1200.0
"""How fast is made good what a study had too much. Where two take turns, half of it is a turn."""
_EVERY_S = 1.0
"""How often the division is made anew, where no study comes or goes."""
_NODES_EVERY_S = 5.0
_ASK_AGAIN_S = 10.0
"""How often room is asked for that was asked for before: someone else may have asked since."""
_MOST_ASKED = 10_000
_STUCK_S = 10.0
"""A study that finds no room in its part for so long may have trials of others moved."""


Room = Sequence[Mapping[str, float]]
"""What each of several trials' workers takes of each resource, under Ray's names."""


def _ask_nobody(room: Room) -> bool:
    return True


class Broker:
    """Says to each driver what its study may hold, and asks for the room that studies can use.

    ``request_room`` is told for what the cluster shall have room in all, whoever holds it already;
    it returns whether it could say so to whoever adds nodes.
    """

    def __init__(
        self,
        nodes: Callable[[], Nodes],
        clock: Callable[[], float] = time.monotonic,
        request_room: Callable[[Room], bool] = _ask_nobody,
    ) -> None:
        self._read_nodes = nodes
        self._clock = clock
        self._request_room = request_room
        self._room: Room = []
        """What was asked for last."""
        self._asked_at = float("-inf")
        self._nodes: Nodes = {}
        self._nodes_read_at = float("-inf")
        self._studies: dict[str, _Study] = {}
        self._parts: Parts = {}
        self._divided_at = float("-inf")
        self._without_room_since: dict[str, float] = {}
        self._stuck: set[str] = set()
        """Those who have found no room in their part for a while."""

    def meet(self, text: str) -> str:
        """Take what a driver says; return its part."""
        try:
            standing = Standing.of_text(text)
        except NotUnderstood as error:
            return Part(fault=str(error)).text()
        now = self._clock()
        self._look_at_nodes(now)
        self._forget_silent(now)
        if standing.leaves:
            self._studies.pop(standing.id, None)
        else:
            self._take(standing, now)
        self._ask_for_room(now)
        part = self._part_of(standing.id, now) if len(self._studies) > 1 else Part()
        return replace(part, version=min(VERSION, standing.version)).text()

    def look(self) -> None:
        """Forget the drivers that are gone without a word, and what they had asked for."""
        now = self._clock()
        self._forget_silent(now)
        self._ask_for_room(now)

    @property
    def is_idle(self) -> bool:
        """Whether no study is left."""
        return not self._studies

    def _look_at_nodes(self, now: float) -> None:
        if now - self._nodes_read_at >= _NODES_EVERY_S:
            self._nodes_read_at = now
            self._nodes = self._read_nodes()

    def _forget_silent(self, now: float) -> None:
        for id, study in list(self._studies.items()):
            if now - study.heard_at > SILENT_S:
                del self._studies[id]

    def _ask_for_room(self, now: float) -> None:
        """Ask for the room that all studies together can use, where that has changed, and now and
        then again.
        """
        room: list[Mapping[str, float]] = []
        for _, study in sorted(self._studies.items()):
            standing = study.standing
            room += [standing.needs] * min(standing.asks, _MOST_ASKED)
        is_due = bool(room) and now - self._asked_at >= _ASK_AGAIN_S
        if (room != self._room or is_due) and self._request_room(room):
            self._room = room
            self._asked_at = now

    def _take(self, standing: Standing, now: float) -> None:
        known = self._studies.get(standing.id)
        if known:
            known.hear(standing, now, dominant_part(standing.needs, self._nodes.values()))
        else:
            had = min((study.had for study in self._sharing()), default=0.0)
            self._studies[standing.id] = _Study(standing, now, had)

    def _part_of(self, id: str, now: float) -> Part:
        if id not in self._studies:
            return Part()
        self._divide(now)
        own, held = self._parts[id], self._studies[id].standing.held
        is_over = sum(held.values()) > own.total()
        crowded = {node for other in self._stuck - {id} for node in self._parts[other]}
        leave = {
            node: count - own[node]
            for node, count in held.items()
            if count > own[node] and (is_over or node in crowded)
        }
        others_wait = any(
            study.holds < self._given(study)
            for other, study in self._studies.items()
            if other != id
        )
        return Part(own.total(), leave, others_wait, len(self._studies))

    def _divide(self, now: float) -> None:
        is_same = self._parts.keys() == self._studies.keys()
        if is_same and now - self._divided_at < _EVERY_S:
            return
        self._divided_at = now
        sharing = self._sharing()
        least = min((study.had for study in sharing), default=0.0)
        lags = {study.standing.id: (study.had - least) / _HORIZON_S for study in sharing}
        claims = [
            Claim(
                study=id,
                share=study.standing.share,
                needs=study.standing.needs,
                wanted=study.standing.wanted,
                held=study.standing.held,
                lag=lags.get(id, 0.0),
            )
            for id, study in self._studies.items()
        ]
        self._parts = divide(self._nodes, claims)
        self._settle(sharing)
        self._find_stuck(claims, now)

    def _find_stuck(self, claims: list[Claim], now: float) -> None:
        """Find the studies that are due room which is there in pieces alone, so that trials of
        others have to move though they are not too many.
        """
        since = self._without_room_since
        for id, study in self._studies.items():
            is_short = study.holds < self._given(study)
            if is_short and not has_room_beside(self._nodes, claims, study.standing.needs):
                since.setdefault(id, now)
            else:
                since.pop(id, None)
        self._stuck = {
            id for id in since.keys() & self._studies.keys() if now - since[id] >= _STUCK_S
        }

    def _sharing(self) -> list[_Study]:
        return [study for study in self._studies.values() if study.standing.share > 0]

    def _settle(self, sharing: list[_Study]) -> None:
        """Let nobody save up what it had no use for, nor be owed more than one trial at once."""
        short = [study for study in sharing if study.standing.wanted > self._given(study)]
        if not short:
            for study in sharing:
                study.had = 0.0
            return
        trials = {study.standing.id: study.part_of_trial(self._nodes) for study in sharing}
        least_held = min(self._given(study) * trials[study.standing.id] for study in short)
        least_had = min(study.had for study in short)
        most_owed = max((part for part in trials.values() if part < float("inf")), default=0.0)
        for study in sharing:
            lends = study.standing.wanted * trials[study.standing.id] <= least_held
            if lends:
                study.had = max(study.had, least_had)
            study.had = min(study.had, least_had + most_owed * _HORIZON_S)

    def _given(self, study: _Study) -> int:
        """How many trials a study may hold."""
        return self._parts[study.standing.id].total()


class _Study:
    """What the broker knows of a study."""

    def __init__(self, standing: Standing, now: float, had: float) -> None:
        self.standing = standing
        self.heard_at = now
        self.had = had
        """For how many seconds it has held how much of the cluster, divided by its share."""

    @property
    def holds(self) -> int:
        """How many of its trials run."""
        return sum(self.standing.held.values())

    def hear(self, standing: Standing, now: float, part: float) -> None:
        """Take what its driver says now, and count what it held until now; ``part`` is a trial's
        of the cluster.
        """
        before = self.standing
        if before.share > 0 and part < float("inf"):
            self.had += (now - self.heard_at) * self.holds * part / before.share
        self.standing = standing
        self.heard_at = now

    def part_of_trial(self, nodes: Nodes) -> float:
        """Return which part of the cluster one trial holds, divided by the study's share."""
        return dominant_part(self.standing.needs, nodes.values()) / self.standing.share
