"""How a cluster is divided among studies: a pure function of its nodes and of what they claim.

Weighted dominant-resource fairness (Ghodsi et al., NSDI 2011; over unlike nodes Wang et al., 2015):
what a study holds is measured by the resource of which it holds the largest part of the cluster,
and trials are given out one by one to whichever study has the least of that for its share. So those
who want less than their part lend the rest, no study gains by stating other needs than it has, and
nothing lies idle that somebody wants and that fits. What nobody with a share wants goes to those
with a share of 0.

Trials are whole. A study gets the next one where half of it would still be its due, which rounds
parts to the nearest; ``lag`` says who has had more than its part until now, so that over time those
have their turn for whom there is no room at once.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_ROUNDING = 1e-9
"""Three trials of a third of a GPU find room on one."""
_STAYS = 0.25
"""By how much of a trial it comes earlier that is there already: none moves for a hair."""

Nodes = Mapping[str, Mapping[str, float]]
"""What each node has of each resource, under Ray's names, by its id."""
Parts = dict[str, Counter[str]]
"""How many trials of each study, by its id, each node has room for, by its id."""


@dataclass(frozen=True)
class Claim:
    """What a study could use of a cluster."""

    study: str
    """Its id."""
    share: float
    """Its weight; 0 for what nobody else wants."""
    needs: Mapping[str, float]
    """What one trial takes of each resource, under Ray's names."""
    wanted: int
    """How many trials could run at once."""
    held: Mapping[str, int] = field(default_factory=dict)
    """How many of them run, by their node's id."""
    lag: float = 0.0
    """How much more it had until now than those who had least, as a part of the cluster by its
    share.
    """


def divide(nodes: Nodes, claims: Sequence[Claim]) -> Parts:
    """Return how many trials each study may hold on each node.

    Trials that run stay where they are as long as nobody's part becomes smaller by that.
    """
    wanted = {claim.study: claim.wanted for claim in claims}
    free = _fill(nodes, claims, [wanted], stay=False)
    counts = {study: parts.total() for study, parts in free.items()}
    staying = _fill(nodes, claims, [counts, wanted], stay=True)
    is_whole = all(staying[study].total() >= count for study, count in counts.items())
    return staying if is_whole else free


def has_room_beside(nodes: Nodes, claims: Iterable[Claim], needs: Mapping[str, float]) -> bool:
    """Whether a trial finds room beside all that run."""
    rooms = {node: _Room(resources) for node, resources in nodes.items()}
    for claim in claims:
        _stay(claim, claim.wanted, rooms, Counter())
    return any(room.has_room(needs) for room in rooms.values())


def dominant_part(needs: Mapping[str, float], nodes: Iterable[Mapping[str, float]]) -> float:
    """Return which part of the cluster a trial takes, by the resource of which that is largest.

    It is infinite where the cluster has none of something.
    """
    totals: Counter[str] = Counter()
    for node in nodes:
        totals.update({name: node.get(name, 0.0) for name in needs})
    parts = [need / totals[name] if totals[name] else float("inf") for name, need in needs.items()]
    return max(parts, default=0.0)


def _fill(
    nodes: Nodes, claims: Sequence[Claim], rounds: Sequence[Mapping[str, int]], *, stay: bool
) -> Parts:
    """Give trials out one by one, in each round up to as many to each study as that says; with
    ``stay`` first to where they run.
    """
    rooms = {node: _Room(resources) for node, resources in nodes.items()}
    parts: Parts = {claim.study: Counter() for claim in claims}
    if stay:
        for claim in claims:
            _stay(claim, rounds[0][claim.study], rooms, parts[claim.study])
    for most in rounds:
        for with_share in (True, False):
            turns = [
                _Turn(claim, parts[claim.study], most[claim.study], nodes, number)
                for number, claim in enumerate(claims)
                if (claim.share > 0) is with_share
            ]
            _take_turns(turns, rooms)
    return parts


def _stay(claim: Claim, most: int, rooms: Mapping[str, _Room], given: Counter[str]) -> None:
    """Give a study room where its trials run, for ``most`` of them."""
    for node, count in claim.held.items():
        for _ in range(count):
            if given.total() < most and node in rooms and rooms[node].has_room(claim.needs):
                rooms[node].take(claim.needs)
                given[node] += 1


def _take_turns(turns: Iterable[_Turn], rooms: Mapping[str, _Room]) -> None:
    waiting = [turn.entry for turn in turns if turn.is_open]
    heapq.heapify(waiting)
    while waiting:
        _, _, turn = heapq.heappop(waiting)
        needs = turn.claim.needs
        fitting = [node for node, room in rooms.items() if room.has_room(needs)]
        if not fitting:
            continue  # there will be no more room for it later either
        node = _cheapest(fitting, rooms, needs)
        rooms[node].take(needs)
        turn.given[node] += 1
        if turn.is_open:
            heapq.heappush(waiting, turn.entry)


def _cheapest(
    fitting: Iterable[str], rooms: Mapping[str, _Room], needs: Mapping[str, float]
) -> str:
    """Return the node on which a trial takes least of what others could use."""
    return min(fitting, key=lambda node: rooms[node].worth(needs))


class _Turn:
    """A study that waits for its next trial; who has least for its share comes first."""

    def __init__(
        self, claim: Claim, given: Counter[str], most: int, nodes: Nodes, number: int
    ) -> None:
        self.claim = claim
        self.given = given
        self._most = most
        self._part = dominant_part(claim.needs, nodes.values()) / (claim.share or 1.0)
        self._number = number
        self._held = sum(claim.held.values())

    @property
    def is_open(self) -> bool:
        """Whether it may have more."""
        return self.given.total() < self._most

    @property
    def entry(self) -> tuple[float, int, _Turn]:
        """Comes first where it is lowest."""
        count = self.given.total()
        stays = _STAYS if count < self._held else 0.0
        return (count + 0.5 - stays) * self._part + self.claim.lag, self._number, self


class _Room:
    """What is left of a node. A share of a GPU lies on one of them."""

    def __init__(self, resources: Mapping[str, float]) -> None:
        self._left = dict(resources)
        self._gpus = [1.0] * int(resources.get("GPU", 0))

    def has_room(self, needs: Mapping[str, float]) -> bool:
        """Whether a trial finds room."""
        others = (need <= self._left.get(name, 0.0) + _ROUNDING for name, need in needs.items())
        return all(others) and self._gpu_for(needs.get("GPU", 0.0)) is not None

    def take(self, needs: Mapping[str, float]) -> None:
        """Give a trial its room."""
        for name, need in needs.items():
            self._left[name] -= need
        share = needs.get("GPU", 0.0)
        gpu = self._gpu_for(share)
        if share and gpu is not None:
            self._gpus[gpu] -= share

    def worth(self, needs: Mapping[str, float]) -> tuple[int, float]:
        """Say what others would lose with this room: first what this trial has no use for, then
        how much there is.
        """
        unused = sum(left > _ROUNDING for name, left in self._left.items() if name not in needs)
        return unused, sum(self._left.get(name, 0.0) / need for name, need in needs.items())

    def _gpu_for(self, share: float) -> int | None:
        """Return the fullest GPU with room for a share, 0 for no share; None where none has."""
        if not share:
            return 0
        fitting = [number for number, left in enumerate(self._gpus) if left + _ROUNDING >= share]
        return min(fitting, key=self._gpus.__getitem__, default=None)
