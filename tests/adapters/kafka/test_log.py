"""The Kafka log where replies are lost, a broker is silent, or nobody is there.

What every log promises is in tests/conformance.
"""

from __future__ import annotations

import contextlib
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest
from kafka import errors

from adapters.kafka.log import KafkaLog
from adapters.kafka.place import ALONE, Care, KafkaUnavailable, NoTopic, Place
from adapters.kafka.topic import TopicExists, TopicRefused, create_topic
from adapters.kafka.writer import CALLS_MAX, SLICE_BYTES
from application.waiting import due_within
from ledger.record import RECORD_MAX
from tests.adapters.kafka.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.chaos

SOON_S = 2.0


@pytest.fixture
def place(broker: str, topic: str) -> Place:
    """A topic of one's own."""
    made = Place(servers=tuple(broker.split(",")), topic=topic)
    create_topic(made, ALONE)
    return made


@pytest.fixture
def proxy(place: Place) -> Iterator[Proxy]:
    with Proxy(place.servers[0]) as proxy:
        yield proxy


@contextlib.contextmanager
def opened(topic: str, server: str, append_s: float = SOON_S) -> Iterator[KafkaLog]:
    log = KafkaLog(Place(servers=(server,), topic=topic), ALONE, append_s=append_s)
    try:
        yield log
    finally:
        log.close()


def records(log: KafkaLog) -> list[bytes]:
    return [entry.record for entry in log.read(0)]


def test_a_reply_that_was_cut_is_asked_for_again_and_the_record_lies_there_once(
    place: Place, proxy: Proxy
) -> None:
    with opened(place.topic, proxy.address, append_s=9) as log:
        log.append([b"before"])
        for n in range(10):
            proxy.to_cut += 1
            (offset,) = log.append([b"%d" % n])
            assert offset == n + 1
            assert proxy.cuts == proxy.to_cut
        assert records(log) == [b"before", *(b"%d" % n for n in range(10))]


def test_an_append_without_any_reply_is_in_doubt_and_may_be_there_all_the_same(
    place: Place, proxy: Proxy
) -> None:
    with opened(place.topic, proxy.address) as log:
        log.append([b"before"])
        proxy.to_cut = 1_000_000
        began = time.monotonic()
        assert list(log.append([b"1"])) == [None]
        assert time.monotonic() - began < SOON_S + 1
        proxy.to_cut = 0
        held = records(log)
        assert held == [b"before", b"1"]
        (offset,) = log.append([b"after"])
        assert offset == len(held), "the producer that was in doubt was replaced by another"
        assert [entry.record for entry in log.read(offset)] == [b"after"]


def test_a_silent_broker_costs_each_call_its_time_and_no_more_memory_than_is_said(
    place: Place, proxy: Proxy
) -> None:
    with opened(place.topic, proxy.address) as log:
        log.append([b"before"])
        proxy.silent = True
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        record = bytes(RECORD_MAX)
        began = time.monotonic()
        assert list(log.append([record] * 200)) == [None] * 200
        assert time.monotonic() - began < SOON_S + 1
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
        assert grown < 6 * SLICE_BYTES < CALLS_MAX * SLICE_BYTES
        began = time.monotonic()
        with pytest.raises(KafkaUnavailable):
            log.end()
        assert time.monotonic() - began < 8
        proxy.silent = False
        assert records(log)[0] == b"before", "it connects again by itself"


def test_where_nobody_answers_an_append_is_in_doubt_and_a_question_raises() -> None:
    with opened("nobody", "127.0.0.1:1", append_s=1) as log:
        began = time.monotonic()
        with ThreadPoolExecutor(2 * CALLS_MAX) as pool:
            appended = pool.map(log.append, [[b"1", b"2"]] * 2 * CALLS_MAX)
            assert list(map(list, appended)) == [[None, None]] * 2 * CALLS_MAX
        assert time.monotonic() - began < 3, "nor do those who append"
        began = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            asks = (partial(log.read, 0), log.end, log.begin, log.describe)
            asked = [pool.submit(ask) for ask in asks]
            assert {type(one.exception()) for one in asked} == {KafkaUnavailable}
        assert time.monotonic() - began < 5, "they do not wait for one another"


def test_a_topic_that_is_not_there_is_not_made_by_asking_nor_by_appending(
    broker: str, topic: str
) -> None:
    with opened(topic, broker) as log:
        assert list(log.append([b"1"])) == [None]
        for ask in (lambda: log.read(0), log.end, log.begin, log.describe):
            with pytest.raises(NoTopic, match=topic):
                ask()


def test_a_topic_is_made_once_and_only_as_the_cluster_can_keep_it(
    place: Place, broker: str, topic: str
) -> None:
    with pytest.raises(TopicExists):
        create_topic(place, ALONE)
    with pytest.raises(TopicRefused, match="name is invalid"):
        create_topic(Place(servers=tuple(broker.split(",")), topic="no such name!"), ALONE)
    with pytest.raises(TopicRefused, match="replication factor"):
        create_topic(
            Place(servers=tuple(broker.split(",")), topic=f"{topic}-nine"), Care(replicas=9)
        )


def test_what_changes_under_a_reader_is_told(place: Place, proxy: Proxy) -> None:
    told: list[float] = []
    log = KafkaLog(Place(servers=(proxy.address,), topic=place.topic), ALONE)
    log.on_change(lambda: told.append(time.monotonic()))
    log.read(0)
    log.read(0)
    assert told == []
    proxy.silent = True
    with pytest.raises(KafkaUnavailable):
        log.read(0)
    proxy.silent = False
    log.read(0)
    assert told
    log.close()


def test_a_question_whose_link_another_thread_closes_may_be_asked_again(place: Place) -> None:
    with opened(place.topic, place.servers[0]) as log, ThreadPoolExecutor(1) as threads:
        assert log.end() == 0
        link = log._wire._link
        assert link is not None
        asked = threads.submit(link._run, lambda: link._net.sleep(5.0))
        time.sleep(0.2)
        log._wire.close()
        with pytest.raises(errors.KafkaConnectionError):
            asked.result()
        with pytest.raises(errors.KafkaConnectionError):
            link.metadata(place.topic)
        assert log.end() == 0


def test_whoever_is_in_a_hurry_is_told_in_time_and_breaks_nobody_elses_link(
    place: Place, proxy: Proxy
) -> None:
    with opened(place.topic, proxy.address) as log:
        assert log.end() == 0
        link = log._wire._link
        proxy.silent = True
        began = time.monotonic()
        with due_within(0.3), pytest.raises(KafkaUnavailable):
            log.end()
        assert time.monotonic() - began < 1.0
        assert log._wire._link is link
        proxy.silent = False
        assert log.end() == 0
