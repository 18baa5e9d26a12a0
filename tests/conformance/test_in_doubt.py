"""In doubt never means failed: what a log may do, and what it must not, when it fails."""

from __future__ import annotations

import threading
from random import Random

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.postgres.connections import Connections
from adapters.postgres.log import PostgresLog
from domain.errors import Unavailable
from ledger.log import Entry
from ledger.simulated import SimulatedLog

APPEND_LOCK = 7236103274
CUT_WHO_WAITS = (
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and not granted"
)


@given(st.integers(), st.floats(0, 1), st.lists(st.binary(max_size=4), max_size=40))
def test_an_answered_offset_is_kept_whatever_else_the_log_does(
    seed: int, faults: float, records: list[bytes]
) -> None:
    log = SimulatedLog(chance=Random(seed), faults=faults)
    answered = [
        Entry(offset, record)
        for record in records
        for offset in log.append([record])
        if offset is not None
    ]
    while log.deliver():
        pass
    held = log.read(0)
    assert answered == [held[entry.offset] for entry in answered]
    assert {entry.record for entry in held} <= set(records)


def test_a_faulty_log_loses_delays_doubles_and_reorders() -> None:
    log = SimulatedLog(chance=Random(1), faults=0.5)
    records = [b"%d" % n for n in range(200)]
    offsets = [log.append([record])[0] for record in records]
    before = [entry.record for entry in log.read(0)]
    assert before == sorted(before, key=int), "what is not delayed keeps its order"
    while log.deliver():
        pass
    held = [entry.record for entry in log.read(0)]
    in_doubt = {r for r, offset in zip(records, offsets, strict=True) if offset is None}
    assert in_doubt - set(held), "lost"
    assert in_doubt & set(before), "there, though in doubt"
    assert set(held) - set(before), "late"
    assert len(held) > len(set(held)), "twice"
    assert held != sorted(held, key=int), "out of order"


def test_one_seed_is_one_history() -> None:
    def history() -> list[bytes]:
        log = SimulatedLog(chance=Random(7), faults=0.5)
        for n in range(100):
            log.append([b"%d" % n])
            if n % 5 == 0:
                log.deliver()
        return log.records

    assert history() == history()


@pytest.mark.chaos
def test_an_append_whose_connection_breaks_is_in_doubt(database: str) -> None:
    """The append waits for another writer's lock; its connection is cut before it gets it."""
    connections = Connections(database)
    connections.create_tables()
    log = PostgresLog(connections, durable=False)
    answers: list[int | None] = []
    with psycopg.connect(database, autocommit=True) as admin:
        admin.execute("select pg_advisory_lock(%s)", (APPEND_LOCK,))
        writer = threading.Thread(target=lambda: answers.extend(log.append([b"1", b"2"])))
        writer.start()
        while not admin.execute(CUT_WHO_WAITS).fetchall():
            pass
        writer.join()
        assert answers == [None, None]
        admin.execute("select pg_advisory_unlock(%s)", (APPEND_LOCK,))
    assert list(log.append([b"3"])) == [0], "the next call takes a fresh connection"
    connections.close()


def test_a_log_that_cannot_be_reached_answers_in_doubt_and_reads_raise() -> None:
    connections = Connections("host=127.0.0.1 port=1 connect_timeout=1")
    log = PostgresLog(connections, durable=False)
    assert list(log.append([b"1", b"2"])) == [None, None]
    for ask in (lambda: log.read(0), log.end, log.begin, log.describe):
        with pytest.raises(Unavailable):
            ask()
