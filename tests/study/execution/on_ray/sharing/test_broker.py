"""What the broker says to drivers that come and go, on a clock and a cluster of the test's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from study.execution.on_ray.sharing.broker import SILENT_S, Broker, Room
from study.execution.on_ray.sharing.messages import NotUnderstood, Part, Standing

FOUR = {"n": {"CPU": 4.0}}


class Meeting:
    """A broker, and drivers that come to it."""

    def __init__(self, nodes: Mapping[str, Mapping[str, float]] = FOUR) -> None:
        self.now = 0.0
        self.asked: list[list[Mapping[str, float]]] = []
        self.is_heard = True
        self.broker = Broker(lambda: nodes, lambda: self.now, self.hear)

    def hear(self, room: Room) -> bool:
        self.asked.append(list(room))
        return self.is_heard

    def says(self, study: str, held: Mapping[str, int], wanted: int = 4, **more: Any) -> Part:
        fields = {"id": study, "study": study, "share": 1.0, "needs": {"CPU": 1.0}, **more}
        standing = Standing(held=held, wanted=wanted, **fields)
        return Part.of_text(self.broker.meet(standing.text()))


@pytest.fixture
def meeting() -> Meeting:
    return Meeting()


def test_one_study_alone_has_no_limit(meeting: Meeting) -> None:
    part = meeting.says("a", {"n": 4})
    assert (part.most, part.leave, part.others_wait, part.studies) == (None, {}, False, 1)


def test_whoever_arrives_gets_its_part_from_those_over_theirs(meeting: Meeting) -> None:
    meeting.says("a", {"n": 4})
    part = meeting.says("b", {})
    assert (part.most, part.leave) == (2, {})
    over = meeting.says("a", {"n": 4})
    assert (over.most, over.leave, over.others_wait) == (2, {"n": 2}, True)
    meeting.says("b", {"n": 2})
    meeting.now = 1.0
    settled = meeting.says("a", {"n": 2})
    assert (settled.most, settled.leave, settled.others_wait) == (2, {}, False)


def test_what_a_study_does_not_want_is_lent_and_given_back(meeting: Meeting) -> None:
    meeting.says("a", {"n": 3})
    meeting.says("b", {"n": 1}, wanted=1)
    meeting.now += 2
    assert meeting.says("a", {"n": 3}).most == 3
    meeting.now += 2
    assert meeting.says("b", {"n": 1}, wanted=4).most == 2
    assert meeting.says("a", {"n": 3}).leave == {"n": 1}


def test_a_share_of_zero_runs_in_what_nobody_wants(meeting: Meeting) -> None:
    meeting.says("a", {}, wanted=3)
    assert meeting.says("z", {}, share=0.0).most == 1
    meeting.now += 2
    meeting.says("a", {}, wanted=4)
    meeting.now += 2
    assert meeting.says("z", {"n": 1}, share=0.0).leave == {"n": 1}


def test_while_workers_start_nobody_moves() -> None:
    """A study's new trials may start for a while in room that is there already."""
    meeting = Meeting({"a": {"CPU": 2.0}, "b": {"CPU": 2.0}})
    for second in range(60):
        meeting.now = float(second)
        part = meeting.says("x", {"b": 2}, wanted=2)
        assert part.leave == {}
        meeting.says("y", {}, wanted=2)


def test_of_what_stands_in_anothers_way_is_moved_where_that_lasts() -> None:
    gpus = {"cpu": {"CPU": 1.0}, "gpu": {"CPU": 1.0, "GPU": 1.0}}
    meeting = Meeting(gpus)
    left: list[int] = []
    for second in range(20):
        meeting.now = float(second)
        part = meeting.says("x", {"gpu": 1}, wanted=1)
        assert part.most in (None, 1)
        if part.leave:
            left.append(second)
        meeting.says("y", {}, wanted=1, needs={"CPU": 1.0, "GPU": 1.0})
    assert left[0] >= 10


def test_a_driver_that_leaves_or_falls_silent_is_counted_no_more(meeting: Meeting) -> None:
    meeting.says("a", {"n": 2})
    meeting.says("b", {"n": 2})
    meeting.says("b", {}, leaves=True)
    assert meeting.says("a", {"n": 2}).most is None
    meeting.says("c", {"n": 2})
    meeting.now += SILENT_S + 1
    assert meeting.says("a", {"n": 2}).most is None
    assert not meeting.broker.is_idle
    meeting.says("a", {}, leaves=True)
    assert meeting.broker.is_idle


def test_a_new_broker_comes_to_the_same_parts(meeting: Meeting) -> None:
    held = {"a": {"n": 1}, "b": {"n": 1}, "c": {"n": 2}}
    shares = {"a": 1.0, "b": 1.0, "c": 2.0}
    for _ in range(2):
        for study, places in held.items():
            meeting.says(study, places, share=shares[study])
    before = [meeting.says(study, held[study], share=shares[study]).most for study in held]
    successor = Meeting()
    for _ in range(2):
        for study, places in held.items():
            successor.says(study, places, share=shares[study])
    after = [successor.says(study, held[study], share=shares[study]).most for study in held]
    assert before == after == [1, 1, 2]


@pytest.mark.parametrize("shares", [(1.0, 1.0), (1.0, 3.0)])
def test_where_there_is_room_for_one_studies_take_turns_by_their_shares(
    shares: tuple[float, float],
) -> None:
    meeting = Meeting({"n": {"CPU": 1.0}})
    held = {"a": 1, "b": 0}
    served = {"a": 0, "b": 0}
    switches = 0
    for second in range(0, 20_000, 4):
        meeting.now = float(second)
        for study, share in zip("ab", shares, strict=True):
            places = {"n": held[study]} if held[study] else {}
            part = meeting.says(study, places, wanted=1, share=share)
            if part.leave:
                held[study] = 0
                switches += 1
            elif part.most and not any(held.values()):
                held[study] = 1
            served[study] += 4 * held[study]
    total = sum(served.values())
    assert total > 19_000
    due = shares[0] / sum(shares)
    assert abs(served["a"] / total - due) < 0.05
    assert 10 < switches < 200, "turns take minutes"


def test_drivers_of_other_versions_are_answered_with_what_both_can(meeting: Meeting) -> None:
    meeting.says("a", {"n": 4})
    newer = {
        "version": 7,
        "id": "b",
        "study": "b",
        "share": 1,
        "needs": {"CPU": 1},
        "wanted": 4,
        "held": {},
        "moods": ["new"],
    }
    answer = json.loads(meeting.broker.meet(json.dumps(newer)))
    assert (answer["version"], answer["most"]) == (1, 2)
    assert Part.of_text(json.dumps({**answer, "version": 7, "weather": "fine"})).most == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no JSON"),
        ("[]", "it is no JSON object"),
        ("{}", "id must be a name"),
        ('{"id": "a", "study": "a", "share": -1}', "share must be a number from 0"),
        ('{"id": "a", "study": "a", "share": 1, "needs": 3}', "needs must be an object"),
        ('{"id": "a", "study": "a", "share": NaN}', "share must be a number from 0"),
    ],
)
def test_a_message_that_is_none_is_answered_with_the_reason(
    meeting: Meeting, text: str, why: str
) -> None:
    with pytest.raises(NotUnderstood, match=why):
        Part.of_text(meeting.broker.meet(text))
    assert meeting.says("a", {}).most is None


CPU, PAIR = {"CPU": 1.0}, {"CPU": 2.0}


def test_room_is_asked_for_once_for_all_studies_and_less_as_they_need_less(
    meeting: Meeting,
) -> None:
    meeting.says("a", {}, asks=3)
    meeting.says("b", {}, asks=2, needs=PAIR)
    meeting.says("a", {"n": 1}, asks=3)
    assert meeting.asked == [[CPU] * 3, [CPU] * 3 + [PAIR] * 2]
    meeting.says("a", {"n": 1}, asks=1)
    meeting.says("b", {}, leaves=True, asks=2, needs=PAIR)
    meeting.says("a", {}, leaves=True, asks=1)
    assert meeting.asked[2:] == [[CPU] + [PAIR] * 2, [CPU], []]


def test_studies_that_do_not_wait_for_nodes_ask_for_nothing(meeting: Meeting) -> None:
    meeting.says("a", {})
    meeting.now += 60
    meeting.says("a", {}, leaves=True)
    assert meeting.asked == []


def test_who_dies_without_a_word_asks_for_nothing_soon_after(meeting: Meeting) -> None:
    meeting.says("a", {}, asks=3)
    meeting.now += SILENT_S - 1
    meeting.broker.look()
    meeting.now += 2
    meeting.broker.look()
    assert meeting.asked == [[CPU] * 3, [CPU] * 3, []]
    meeting.now += 60
    meeting.broker.look()
    assert len(meeting.asked) == 3, "that there is nothing to ask for is said once"


def test_what_was_not_heard_is_asked_again(meeting: Meeting) -> None:
    meeting.is_heard = False
    meeting.says("a", {}, asks=3)
    meeting.is_heard = True
    meeting.says("a", {}, asks=3)
    meeting.says("a", {}, asks=3)
    assert meeting.asked == [[CPU] * 3] * 2


def test_a_wild_wish_is_cut_off(meeting: Meeting) -> None:
    meeting.says("a", {}, asks=10**12)
    assert len(meeting.asked[0]) == 10_000
