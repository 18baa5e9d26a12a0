"""Commits on the PostgreSQL log beside the Kafka log: the same committer, fold and publisher.

`python -m bench.logs [--nodes 1 3]`. Each log has a database and a directory of tiles of its
own; every answer comes under a published checkpoint. Kafka is real, on this machine:
`acks=all`; one broker syncs to disk when the kernel likes, as Kafka does everywhere, and
three keep each record thrice, two of them before it counts.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg
from psycopg.conninfo import make_conninfo

from adapters.kafka.embedded import EmbeddedKafka
from adapters.kafka.log import KafkaLog
from adapters.kafka.place import ALONE, Care, Place
from adapters.kafka.topic import create_topic
from adapters.postgres.connections import Connections
from adapters.postgres.embedded import EmbeddedPostgres
from adapters.postgres.log import PostgresLog
from adapters.postgres.store import PostgresFoldStore
from application.committer import Committer
from application.publishing import publish_all
from bench.place import home, say
from bench.rate import submitted
from bench.table import Row, parser, report
from domain.errors import Unavailable
from ledger.fold import Folder
from ledger.genesis import make_genesis
from proofs.publication import Publisher
from proofs.signing import KeyKind, Signer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger.log import CommitLog
    from metroledger.settings import Settings

ORIGIN: Final = "ledger.example.org/bench"
IN_FLIGHT: Final = (1, 32, 512)
TURNS: Final = 2
"""The logs take turns, so that what else the machine does hits all of them."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A log with what it needs to commit."""

    name: str
    committer: Committer


def main() -> None:
    """Measure each log in turn and print the table."""
    asking = parser(__doc__.splitlines()[0] if __doc__ else "")
    asking.add_argument("--nodes", type=int, nargs="*", default=[1, 3], help="Kafka's brokers")
    asked = asking.parse_args()
    with home() as settings, contextlib.ExitStack() as stack:
        contenders = [stack.enter_context(contender(settings, "PostgreSQL", None))]
        for nodes in asked.nodes:
            say(f"starting Kafka with {nodes} broker(s)")
            try:
                log = stack.enter_context(kafka(settings, nodes))
            except Unavailable as error:
                say(f"left out: {error}")
                continue
            name = f"Kafka, {nodes} broker{'s' if nodes > 1 else ''}"
            contenders.append(stack.enter_context(contender(settings, name, log)))
        rows = list(compare(contenders, asked.seconds))
    conditions = [
        "one process; PostgreSQL with fsync and synchronous_commit on; Kafka with acks=all",
        "tiles and checkpoint fsynced before each answer; a commit is one event of 300 bytes",
        f"best of {TURNS} turns each",
    ]
    report(rows, conditions, asked.json)


def compare(contenders: list[Contender], seconds: float) -> Iterator[Row]:
    """Commits a second of each, by how many are in flight; the first is what they are held to."""
    for in_flight in IN_FLIGHT:
        best = dict.fromkeys(range(len(contenders)), (0.0, 0.0, 0.0))
        for _ in range(TURNS):
            for place, one in enumerate(contenders):
                best[place] = max(best[place], submitted(one.committer, in_flight, seconds))
        for place, one in enumerate(contenders):
            rate, p50, p99 = best[place]
            aim = "0.7 times" if place == 1 and in_flight == max(IN_FLIGHT) else ""
            aim = "p50 10 ms" if place > 1 and in_flight == 1 else aim
            yield Row(
                what=f"{one.name}, {in_flight} in flight",
                value=rate,
                unit="commits/s",
                note=f"p50 {p50:.1f} ms, p99 {p99:.1f} ms; {rate / best[0][0]:.2f} times",
                aim=aim,
            )


@contextlib.contextmanager
def contender(settings: Settings, name: str, log: CommitLog | None) -> Iterator[Contender]:
    """Begin a ledger on a log (None: its own database's), with database and tiles of its own."""
    connections = Connections(_database(settings))
    connections.create_tables()
    folder = Folder(log or PostgresLog(connections), PostgresFoldStore(connections), ORIGIN)
    folder.log.append([make_genesis(ORIGIN, "2026-11-25T00:00:00+00:00")])
    folder.fold_through(0)
    signer = Signer(name=ORIGIN, kind=KeyKind.ED25519, seed=os.urandom(32))
    publisher = Publisher(settings.home / os.urandom(4).hex() / "tiles", signer)
    committer = Committer(folder, lambda at: publish_all(publisher, folder.store, at))
    try:
        yield Contender(name, committer)
    finally:
        committer.close()
        connections.close()


def _database(settings: Settings) -> str:
    server, name = EmbeddedPostgres(settings.postgres).conninfo, f"bench_{os.urandom(4).hex()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'create database "{name}"')
    return make_conninfo(server, dbname=name)


@contextlib.contextmanager
def kafka(settings: Settings, nodes: int) -> Iterator[KafkaLog]:
    """Lend a log over a new topic of real brokers."""
    care = Care() if nodes > 1 else ALONE
    with EmbeddedKafka(settings.home / f"kafka-{nodes}", nodes=nodes) as brokers:
        place = Place(servers=tuple(brokers.bootstrap.split(",")), topic="bench")
        create_topic(place, care)
        log = KafkaLog(place, care)
        try:
            yield log
        finally:
            log.close()


if __name__ == "__main__":
    main()
