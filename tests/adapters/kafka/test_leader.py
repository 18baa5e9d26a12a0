"""Leaders are killed and frozen under a writer: nothing answered is lost, nothing is doubled.

A hundred of them, under residents at the portal, are in tests/chaos.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from kafka.admin import KafkaAdminClient

from adapters.kafka.log import KafkaLog
from adapters.kafka.place import Care, KafkaUnavailable, Place
from adapters.kafka.topic import create_topic
from adapters.kafka.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from adapters.kafka.embedded import EmbeddedKafka

pytestmark = pytest.mark.chaos

BACK_S = 15.0
SETTLED_S = 60.0


@dataclass(slots=True)
class Writer:
    """Appends one record after another, and notes what was answered."""

    log: KafkaLog
    answered: dict[bytes, int] = field(default_factory=dict)
    doubtful: int = 0
    over: bool = False

    def run(self) -> None:
        number = 0
        while not self.over:
            record = b"%d" % number
            number += 1
            (offset,) = self.log.append([record])
            if offset is None:
                self.doubtful += 1
            else:
                self.answered[record] = offset

    def back(self) -> float:
        """Wait until one more is answered; return how many seconds that took."""
        began, before = time.monotonic(), len(self.answered)
        while len(self.answered) == before:
            time.sleep(0.005)
        return time.monotonic() - began


def disturb(
    kafka: EmbeddedKafka, topic: str, times: int, how: Callable[[int], None]
) -> tuple[Writer, list[float], dict[bytes, list[int]]]:
    """Strike the leader again and again; return the writer, each pause, and what the log holds."""
    place = Place(servers=tuple(kafka.bootstrap.split(",")), topic=topic)
    create_topic(place, Care())
    log, wire = KafkaLog(place, Care()), Wire(place)
    writer = Writer(log)
    thread = threading.Thread(target=writer.run)
    thread.start()
    pauses = []
    for _ in range(times):
        writer.back()
        leader = wire.look_up().node
        how(leader)
        pauses.append(writer.back())
        kafka.thaw(leader)
        kafka.restart(leader)
        settle(place)
    writer.over = True
    thread.join()
    held: dict[bytes, list[int]] = {}
    start = 0
    while page := log.read(start):
        for entry in page:
            held.setdefault(entry.record, []).append(entry.offset)
        start = page[-1].offset + 1
    log.close()
    wire.close()
    return writer, pauses, held


def settle(place: Place) -> None:
    """Wait until every replica is in sync again."""
    admin = KafkaAdminClient(bootstrap_servers=list(place.servers))
    deadline = time.monotonic() + SETTLED_S
    while time.monotonic() < deadline:
        (told,) = admin.describe_topics([place.topic])
        if len(told["partitions"][0]["isr_nodes"]) == 3:
            break
        time.sleep(0.05)
    admin.close()


def hold(writer: Writer, pauses: list[float], held: dict[bytes, list[int]]) -> None:
    lost = [record for record, at in writer.answered.items() if at not in held.get(record, ())]
    doubled = [record for record, at in held.items() if len(at) > 1]
    pauses.sort()
    print(
        f"\n{len(pauses)} times, {len(writer.answered)} answered, {writer.doubtful} in doubt: "
        f"{len(lost)} lost, {len(doubled)} twice; back after {pauses[len(pauses) // 2]:.1f} s, "
        f"p99 {pauses[int(len(pauses) * 0.99)]:.1f} s"
    )
    assert not lost
    assert not set(doubled) & set(writer.answered), "the client asks again under one sequence"
    assert pauses[int(len(pauses) * 0.99)] < BACK_S


def test_what_another_process_appended_is_never_missing_under_a_new_leader(
    cluster: EmbeddedKafka, topic: str
) -> None:
    """It does not say that it lags: to whoever did not append the last record it seems to end."""
    place = Place(servers=tuple(cluster.bootstrap.split(",")), topic=topic)
    create_topic(place, Care())
    ours, others = KafkaLog(place, Care()), [KafkaLog(place, Care()) for _ in range(4)]
    wire = Wire(place)
    ours.append([b"first"])
    for log in others:
        log.read(0)
    leader = wire.look_up().node
    (last,) = ours.append([b"last"])
    assert last is not None
    cluster.kill(leader)
    with ThreadPoolExecutor(len(others)) as readers:
        read = [readers.submit(until_read, log, last) for log in others]
        assert [one.result() for one in read] == [b"last"] * len(others)
    for log in (ours, *others):
        log.close()
    wire.close()


def until_read(log: KafkaLog, offset: int) -> bytes:
    """Ask until the log answers; what it answers must then be the record."""
    until = time.monotonic() + BACK_S
    while True:
        try:
            (entry,) = log.read(offset, limit=1)
        except KafkaUnavailable:
            assert time.monotonic() < until
        else:
            return entry.record


def test_a_killed_leader_costs_seconds_and_no_record(cluster: EmbeddedKafka, topic: str) -> None:
    hold(*disturb(cluster, topic, 1, cluster.kill))


def test_a_frozen_leader_costs_seconds_and_no_record(cluster: EmbeddedKafka, topic: str) -> None:
    hold(*disturb(cluster, topic, 1, cluster.freeze))
