"""The client's own thread hangs or dies under a real broker: the next question is answered."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from kafka import errors

from adapters.kafka.place import ALONE, KafkaUnavailable, Place
from adapters.kafka.topic import create_topic
from adapters.kafka.wire import _ENDING, _STRANGE_MAX, PATIENCE_S, REQUEST_S, Wire, _Link

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


def link_of(wire: Wire) -> _Link:
    assert wire._link is not None
    return wire._link


def loop_of(wire: Wire) -> NetworkSelector:
    return link_of(wire)._net


def has_ended(loop_thread: threading.Thread) -> bool:
    """Whether a client's thread has ended, and each that closes one."""
    loop_thread.join(PATIENCE_S)
    closing = [one for one in threading.enumerate() if one.name == _ENDING]
    for one in closing:
        one.join(PATIENCE_S)
    return not any(one.is_alive() for one in (loop_thread, *closing))


def wrong() -> None:
    """A question that ends in an error that is none of Kafka's."""
    raise TypeError


def thread_of(wire: Wire) -> threading.Thread:
    thread: threading.Thread | None = loop_of(wire)._io_thread
    assert thread is not None
    return thread


def test_a_thread_that_hangs_is_left_and_another_answers(wire: Wire) -> None:
    hanging, thread = threading.Event(), thread_of(wire)
    try:
        loop_of(wire).call_soon_threadsafe(hanging.wait)
        began = time.monotonic()
        with pytest.raises(KafkaUnavailable):
            wire.look_up()
        assert time.monotonic() - began < PATIENCE_S + 3 * REQUEST_S
        assert wire.look_up().partitions == 1
    finally:
        hanging.set()
    assert has_ended(thread)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_is_told_once_and_another_answers_all_who_ask(
    wire: Wire, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying, thread = loop_of(wire), thread_of(wire)

    def die() -> None:
        monkeypatch.undo()
        raise OSError

    monkeypatch.setattr(dying, "_schedule_tasks", die)
    dying.wakeup()
    thread.join(PATIENCE_S)
    with ThreadPoolExecutor(4) as asking:
        answers = [asking.submit(wire.look_up) for _ in range(4)]
    assert [one.result().partitions for one in answers] == [1] * 4
    assert said(caplog) == 1
    assert has_ended(thread)


def test_an_error_of_one_question_is_told_and_leaves_the_link_to_the_others(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    link = link_of(wire)

    with pytest.raises(KafkaUnavailable):
        wire._patiently(lambda link: link._run(wrong))
    assert said(caplog) == 1
    assert wire.look_up().partitions == 1
    assert link_of(wire) is link


def test_a_link_that_answers_nobody_is_left_for_another(wire: Wire) -> None:
    link = link_of(wire)

    for _ in range(_STRANGE_MAX):
        with pytest.raises(KafkaUnavailable):
            wire._patiently(lambda link: link._run(wrong))
    assert wire.look_up().partitions == 1
    assert link_of(wire) is not link


def test_whoever_gives_up_closes_no_link_that_another_thread_made_since(wire: Wire) -> None:
    made: list[_Link] = []

    def given_up(_: _Link) -> None:
        wire.close()
        wire.look_up()
        made.append(link_of(wire))
        raise errors.InvalidRequestError

    with pytest.raises(KafkaUnavailable):
        wire._patiently(given_up)
    assert [link_of(wire)] == made
    assert made[0].metadata("any").topics


def said(caplog: pytest.LogCaptureFixture) -> int:
    return [record.message for record in caplog.records].count("kafka-client-failed")
