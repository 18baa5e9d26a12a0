"""The recorder passes the library's own conformance suite, over every log, and more."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, ClassVar
from uuid import uuid4

import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.tests.persistence import ApplicationRecorderTestCase
from typing_extensions import override

from adapters.kafka.log import KafkaLog
from adapters.kafka.place import ALONE, Place
from adapters.kafka.topic import create_topic
from adapters.postgres.connections import Connections
from adapters.postgres.log import PostgresLog
from adapters.postgres.store import PostgresFoldStore
from application.committer import Committer
from application.recorder import LedgerRecorder
from ledger.fold import Folder
from ledger.genesis import make_genesis
from ledger.memory import MemoryFoldStore
from ledger.simulated import SimulatedLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.log import CommitLog

ORIGIN = "ledger.example.org/tests"


def recorder_over(folder: Folder) -> tuple[LedgerRecorder, Committer]:
    """Return a recorder over a fresh log, with its genesis folded."""
    folder.log.append([make_genesis(ORIGIN, "2026-01-01T00:00:00+00:00")])
    folder.fold_through(0)
    committer = Committer(folder, lambda _: None)
    return LedgerRecorder(folder, committer), committer


class _Suite(ApplicationRecorderTestCase[LedgerRecorder]):
    """The library's suite; pytest collects the classes below, not this one."""

    __test__: ClassVar[bool] = False

    def folder(self) -> Folder:
        raise NotImplementedError

    @override
    def create_recorder(self) -> LedgerRecorder:
        recorder, committer = recorder_over(self.folder())
        self.addCleanup(committer.close)
        return recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestOverSimulatedLog(_Suite):
    """The suite over the log in memory."""

    __test__ = True

    @override
    def folder(self) -> Folder:
        return Folder(SimulatedLog(), MemoryFoldStore(), ORIGIN)


class TestOverPostgresLog(_Suite):
    """The suite over the log in PostgreSQL."""

    __test__ = True
    _conninfo = ""

    @pytest.fixture(autouse=True)
    def _in(self, database: str) -> None:
        self._conninfo = database

    @override
    def folder(self) -> Folder:
        connections = Connections(self._conninfo)
        self.addCleanup(connections.close)
        connections.create_tables()
        log = PostgresLog(connections, durable=False)
        return Folder(log, PostgresFoldStore(connections), ORIGIN)


class TestOverKafkaLog(_Suite):
    """The suite over a topic, folded into PostgreSQL."""

    __test__ = True
    _conninfo = ""
    _broker = ""

    @pytest.fixture(autouse=True)
    def _in(self, database: str, broker: str) -> None:
        self._conninfo = database
        self._broker = broker

    @override
    def folder(self) -> Folder:
        connections = Connections(self._conninfo)
        self.addCleanup(connections.close)
        connections.create_tables()
        log = kafka_log(self._broker)
        self.addCleanup(log.close)
        return Folder(log, PostgresFoldStore(connections), ORIGIN)


def kafka_log(broker: str) -> KafkaLog:
    """Return a log over a topic of its own."""
    place = Place(servers=tuple(broker.split(",")), topic=f"metroledger-test-{uuid4()}")
    create_topic(place, ALONE)
    return KafkaLog(place, ALONE)


@pytest.fixture(params=["simulated", "postgres", "kafka"])
def recorder(request: pytest.FixtureRequest) -> Iterator[LedgerRecorder]:
    """A recorder over each log."""
    if request.param == "simulated":
        made, committer = recorder_over(Folder(SimulatedLog(), MemoryFoldStore(), ORIGIN))
        yield made
        committer.close()
        return
    with contextlib.ExitStack() as stack:
        connections = Connections(request.getfixturevalue("database"))
        stack.callback(connections.close)
        connections.create_tables()
        log: CommitLog = PostgresLog(connections, durable=False)
        if request.param == "kafka":
            log = kafka = kafka_log(request.getfixturevalue("broker"))
            stack.callback(kafka.close)
        made, committer = recorder_over(Folder(log, PostgresFoldStore(connections), ORIGIN))
        stack.callback(committer.close)
        yield made


def test_sixteen_writers_and_three_tails_miss_nothing_and_reorder_nothing(
    recorder: LedgerRecorder,
) -> None:
    """What eventsourcing's own database functions lose, nobody loses here."""
    writers, commits, total = 16, 25, 16 * 25 * 2
    seen: list[list[int]] = [[], [], []]

    def write() -> None:
        for _ in range(commits):
            stream = uuid4()
            recorder.insert_events(
                [StoredEvent(stream, version, "topic", os.urandom(50)) for version in (1, 2)]
            )

    def tail(notes: list[int]) -> None:
        with recorder.subscribe(gt=0) as subscription:
            for notification in subscription:
                notes.append(notification.id)
                if len(notes) == total:
                    return

    threads = [threading.Thread(target=tail, args=(notes,)) for notes in seen]
    threads += [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [list(range(1, total + 1))] * 3
