"""A driver's side of a share: what may start, what makes way, and what it does without a broker."""

from __future__ import annotations

import pytest

from study.execution.on_ray.sharing.messages import Part, Standing
from study.execution.on_ray.sharing.study_share import Need, StudyShare, WholeCluster


class FakeBroker:
    """A connection whose answers the test gives."""

    def __init__(self) -> None:
        self.heard: list[Standing] = []
        self.said: str | None = None
        self.is_new = False
        self.is_waiting = False

    def ask(self, text: str) -> None:
        self.heard.append(Standing.of_text(text))
        self.is_waiting = True

    def answer(self) -> str | None:
        said, self.said = self.said, None
        self.is_waiting = self.is_waiting and said is None
        return said

    def leave(self, text: str) -> None:
        self.heard.append(Standing.of_text(text))


class Driver:
    def __init__(self) -> None:
        self.now = 0.0
        self.broker = FakeBroker()
        self.share = StudyShare("mine", {"CPU": 1.0}, self.broker, lambda: self.now)

    def tells(self, held: int = 2, wanted: int = 4) -> None:
        assert self.share.is_due()
        self.share.tell(Need(2.0, {"n": held}, wanted))

    def hears(self, part: Part) -> None:
        self.broker.said = part.text()
        self.now += 1.0
        assert self.share.is_due()


@pytest.fixture
def driver() -> Driver:
    return Driver()


def test_a_study_with_a_ray_of_its_own_has_all_of_it() -> None:
    share = WholeCluster()
    assert share.may_start(10_000)
    assert not share.is_due()
    assert not share.makes_way("n")
    assert not share.gives_back
    assert share.seen is None


def test_before_the_first_word_one_attempt_starts_and_the_rest_soon_after_all(
    driver: Driver,
) -> None:
    assert driver.share.may_start(0)
    assert not driver.share.may_start(1)
    driver.tells(held=0)
    driver.hears(Part(most=3))
    assert driver.share.may_start(2)
    assert not driver.share.may_start(3)


def test_who_has_to_make_the_broker_is_alone_and_waits_for_no_word(driver: Driver) -> None:
    driver.broker.is_new = True
    driver.tells(held=0)
    assert driver.share.may_start(3)


def test_where_no_broker_answers_a_study_takes_what_it_finds(driver: Driver) -> None:
    driver.tells()
    driver.now += 20.0
    assert driver.share.may_start(99)
    assert not driver.share.makes_way("n")


def test_as_many_make_way_as_were_asked_to_on_their_nodes(driver: Driver) -> None:
    driver.tells(held=3)
    driver.hears(Part(most=1, leave={"n": 2}, others_wait=True))
    assert driver.share.gives_back
    assert not driver.share.makes_way("elsewhere")
    assert driver.share.makes_way("n")
    assert driver.share.makes_way("n")
    assert not driver.share.makes_way("n")


def test_what_was_said_before_something_changed_sets_nothing_aside(driver: Driver) -> None:
    driver.tells(held=3)
    driver.share.note_change()
    driver.hears(Part(most=1, leave={"n": 2}))
    assert not driver.share.makes_way("n")
    assert not driver.share.may_start(1)


def test_a_word_that_is_not_understood_changes_nothing(driver: Driver) -> None:
    driver.tells()
    driver.hears(Part(most=3))
    driver.tells()
    driver.hears(Part(fault="what?"))
    assert driver.share.may_start(2)
    assert not driver.share.may_start(3)


def test_how_long_it_waits_is_told_and_seen(driver: Driver) -> None:
    driver.tells(held=4, wanted=4)
    assert driver.broker.heard[-1].waits_s is None
    driver.hears(Part(most=1))
    driver.tells(held=1, wanted=4)
    driver.hears(Part(most=1))
    driver.now += 9.0
    driver.tells(held=1, wanted=4)
    assert driver.broker.heard[-1].waits_s == 10.0
    seen = driver.share.seen
    assert seen is not None
    assert (seen.share, seen.holds, seen.wants, seen.part) == (2.0, 1, 4, 1)
    assert seen.waits_since is not None
    driver.share.leave()
    assert driver.broker.heard[-1].leaves


def test_a_broker_that_does_not_answer_is_not_asked_again_meanwhile(driver: Driver) -> None:
    driver.tells()
    driver.now += 5.0
    assert not driver.share.is_due()
