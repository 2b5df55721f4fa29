"""Ctrl-C: it closes a study, and always says something."""

from __future__ import annotations

import os
import signal

import pytest

from study.execution.signals import StopOnSignals

from ..fake_cluster import Storage, controller_on, small_spec


def test_the_first_stops_the_study_and_the_second_ends_it_at_once() -> None:
    controller = controller_on(Storage(), small_spec())
    with StopOnSignals(controller):
        os.kill(os.getpid(), signal.SIGINT)
        assert controller.stopping == "interrupted"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_while_a_study_is_closed_that_is_said_and_changes_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    controller = controller_on(Storage(), small_spec())
    with StopOnSignals(controller) as signals:
        signals.begin_closing()
        os.kill(os.getpid(), signal.SIGTERM)
        assert controller.stopping == ""
        assert "the study has ended and is being closed" in capfd.readouterr().err
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_as_before_afterwards() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopOnSignals(controller_on(Storage(), small_spec())):
        pass
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
