"""Every implementation of the `CommitLog` port, as the conformance suite opens it.

To put another one under the suite, write a function that yields an `Opened` and add
its line to `LOGS`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import pytest

from adapters.kafka.log import KafkaLog
from adapters.kafka.place import ALONE, Place
from adapters.kafka.topic import create_topic
from adapters.postgres.connections import Connections
from adapters.postgres.log import PostgresLog
from ledger.log import CommitLog
from ledger.simulated import SimulatedLog


@dataclass(frozen=True, slots=True)
class Opened:
    """An empty log, and how another process opens the same one."""

    log: CommitLog
    again: Callable[[], CommitLog]


@contextlib.contextmanager
def simulated(_: pytest.FixtureRequest) -> Iterator[Opened]:
    log = SimulatedLog()
    yield Opened(log, lambda: log)


@contextlib.contextmanager
def postgres(request: pytest.FixtureRequest) -> Iterator[Opened]:
    conninfo: str = request.getfixturevalue("database")
    with contextlib.ExitStack() as stack:

        def open_log() -> PostgresLog:
            connections = Connections(conninfo)
            stack.callback(connections.close)
            connections.create_tables()
            return PostgresLog(connections, durable=False)

        yield Opened(open_log(), open_log)


@contextlib.contextmanager
def kafka(request: pytest.FixtureRequest) -> Iterator[Opened]:
    servers = request.getfixturevalue("broker").split(",")
    place = Place(servers=tuple(servers), topic=request.getfixturevalue("topic"))
    create_topic(place, ALONE)
    with contextlib.ExitStack() as stack:

        def open_log() -> KafkaLog:
            log = KafkaLog(place, ALONE)
            stack.callback(log.close)
            return log

        yield Opened(open_log(), open_log)


Open = Callable[[pytest.FixtureRequest], contextlib.AbstractContextManager[Opened]]

LOGS: Final[dict[str, Open]] = {
    "simulated": simulated,
    "postgres": postgres,
    "kafka": kafka,
}
