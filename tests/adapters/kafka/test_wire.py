"""The client's own thread hangs or dies under a real broker: the next question is answered."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from adapters.kafka.place import ALONE, KafkaUnavailable, Place
from adapters.kafka.topic import create_topic
from adapters.kafka.wire import PATIENCE_S, REQUEST_S, Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka.net.selector import NetworkSelector

pytestmark = pytest.mark.chaos


@pytest.fixture
def wire(broker: str, topic: str) -> Iterator[Wire]:
    place = Place(servers=tuple(broker.split(",")), topic=topic)
    create_topic(place, ALONE)
    wire = Wire(place)
    wire.look_up()
    yield wire
    wire.close()


def loop_of(wire: Wire) -> NetworkSelector:
    assert wire._link is not None
    return wire._link._net


def test_a_thread_that_hangs_is_left_and_another_answers(wire: Wire) -> None:
    hanging = threading.Event()
    loop_of(wire).call_soon_threadsafe(hanging.wait)
    began = time.monotonic()
    with pytest.raises(KafkaUnavailable):
        wire.look_up()
    assert time.monotonic() - began < PATIENCE_S + 3 * REQUEST_S
    assert wire.look_up().partitions == 1
    hanging.set()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_told_and_another_answers(
    wire: Wire, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = loop_of(wire)

    def die() -> None:
        monkeypatch.undo()
        raise OSError

    monkeypatch.setattr(dying, "_schedule_tasks", die)
    thread = dying._io_thread
    assert thread is not None
    dying.wakeup()
    thread.join()
    assert wire.look_up().partitions == 1
    assert [record.message for record in caplog.records].count("kafka-client-failed") == 1
