"""Ctrl-C: it closes a study, and always says something."""

from __future__ import annotations

import os
import signal

import pytest

from study.execution.signals import StopOnSignals

from ..fake_cluster import Storage, controller_on, small_spec


def test_the_first_stops_the_study_and_the_second_ends_it_at_once() -> None:
    controller = controller_on(Storage(), small_spec())
    with StopOnSignals() as signals:
        signals.follow(controller, "fake")
        os.kill(os.getpid(), signal.SIGINT)
        assert controller.stopping == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_while_a_study_is_closed_that_is_said_and_changes_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    controller = controller_on(Storage(), small_spec())
    with StopOnSignals() as signals:
        signals.follow(controller, "fake")
        signals.begin_closing()
        os.kill(os.getpid(), signal.SIGTERM)
        assert controller.stopping == ""
        assert "the study has ended and is being closed" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_of_one_that_was_stopped_it_is_not_said_that_it_has_ended(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with StopOnSignals() as signals:
        signals.follow(controller_on(Storage(), small_spec()), "fake")
        os.kill(os.getpid(), signal.SIGINT)
        signals.begin_closing()
        os.kill(os.getpid(), signal.SIGINT)
        assert "the study is being closed; Ctrl-C once more" in capfd.readouterr().err


def test_before_there_is_a_study_ctrl_c_is_pythons_own() -> None:
    with StopOnSignals(), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_as_before_after_the_outermost_block(
    capfd: pytest.CaptureFixture[str],
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    signals = StopOnSignals()
    with signals:
        with signals:
            signals.follow(controller_on(Storage(), small_spec()), "fake")
            signals.begin_closing()
        os.kill(os.getpid(), signal.SIGINT)
        assert "is being closed" in capfd.readouterr().err
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
