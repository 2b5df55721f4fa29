"""Messages between two processes arrive whole and in order, with the files that go with them."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest

from study.execution.training_process.channel import Channel, ChannelClosed


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    ours, theirs = map(Channel, socket.socketpair())
    yield ours, theirs
    ours.close()
    theirs.close()


def test_messages_arrive_whole_and_in_order(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    long = {"text": "x" * 1_000_000 + "\udce9\n"}
    sender = threading.Thread(target=lambda: [theirs.send(long), theirs.send({"number": 2})])
    sender.start()
    assert ours.receive() == long
    assert ours.receive(60) == {"number": 2}
    sender.join()
    assert ours.receive(0) is None


def test_open_files_go_with_a_message(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    reading, writing = os.pipe()
    theirs.send({"kind": "begin"}, [writing])
    os.close(writing)
    assert ours.receive(60) == {"kind": "begin"}
    (received,) = ours.take_descriptors()
    os.write(received, b"through")
    os.close(received)
    assert os.read(reading, 10) == b"through"
    os.close(reading)
    assert ours.take_descriptors() == []


def test_the_end_of_the_other_side_is_noticed(ends: tuple[Channel, Channel]) -> None:
    ours, theirs = ends
    theirs.send({"last": True})
    theirs.close()
    assert theirs.is_closed
    assert ours.receive(60) == {"last": True}
    with pytest.raises(ChannelClosed):
        ours.receive(60)
    with pytest.raises(ChannelClosed):
        ours.send({})
